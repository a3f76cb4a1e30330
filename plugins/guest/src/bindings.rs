//! What wit-bindgen makes of `wit/0.1`. The imports are generated once; each world adds its exports only,
//! so that a component carries (and asks for) nothing but what it uses.
#![expect(
    clippy::same_length_and_capacity,
    reason = "the generated code takes over lists that the host has put into memory of exactly their size"
)]
#![expect(
    missing_docs,
    reason = "its words are the contract's, which does not describe every field"
)]

/// The imports of every world.
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit/0.1",
        world: "imports",
        pub_export_macro: true,
        generate_all,
    });
}

macro_rules! world {
    ($module:ident, $world:tt, $export:tt) => {
        #[doc = concat!("Exports of the world `", $world, "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit/0.1",
                world: $world,
                pub_export_macro: true,
                export_macro_name: $export,
                with: {
                    "tidegate:plugin/types@0.1.0": crate::bindings::imports::tidegate::plugin::types,
                    "tidegate:plugin/inputs@0.1.0": crate::bindings::imports::tidegate::plugin::inputs,
                    "tidegate:plugin/outputs@0.1.0": crate::bindings::imports::tidegate::plugin::outputs,
                    "tidegate:plugin/pairs@0.1.0": crate::bindings::imports::tidegate::plugin::pairs,
                    "tidegate:plugin/logging@0.1.0": crate::bindings::imports::tidegate::plugin::logging,
                    "tidegate:plugin/sources@0.1.0": crate::bindings::imports::tidegate::plugin::sources,
                    "tidegate:plugin/clock@0.1.0": crate::bindings::imports::tidegate::plugin::clock,
                    "tidegate:plugin/random@0.1.0": crate::bindings::imports::tidegate::plugin::random,
                },
            });
        }
    };
}

world!(render, "render", "export_render_world");
world!(transform, "transform", "export_transform_world");
world!(validate, "validate", "export_validate_world");
world!(compare, "compare", "export_compare_world");
