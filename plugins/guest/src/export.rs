/// A [`Description`](crate::Description) with name and version of the calling package.
#[macro_export]
macro_rules! describe {
    ($summary:expr) => {
        $crate::describe!($summary, "")
    };
    ($summary:expr, $config_schema:expr) => {
        $crate::Description {
            name: ::std::string::String::from(::core::env!("CARGO_PKG_NAME")),
            version: ::std::string::String::from(::core::env!("CARGO_PKG_VERSION")),
            summary: ::std::string::String::from($summary),
            config_schema: ::std::string::String::from($config_schema),
            deterministic: true,
        }
    };
}

/// Makes a type that implements [`Renderer`](crate::Renderer) the plugin of this `cdylib`.
#[macro_export]
macro_rules! export_renderer {
    ($plugin:ty) => {
        const _: () = {
            struct Exported;
            impl $crate::bindings::render::exports::tidegate::plugin::renderer::Guest for Exported {
                fn describe() -> $crate::Description {
                    $crate::install_panic_hook();
                    <$plugin as $crate::Renderer>::describe()
                }
                fn render(request: &$crate::Request, sink: &$crate::Sink) -> ::core::result::Result<(), $crate::Failure> {
                    $crate::install_panic_hook();
                    <$plugin as $crate::Renderer>::render(request, sink)
                }
            }
            $crate::bindings::render::export_render_world!(Exported with_types_in $crate::bindings::render);
        };
    };
}

/// Makes a type that implements [`Transformer`](crate::Transformer) the plugin of this `cdylib`.
#[macro_export]
macro_rules! export_transformer {
    ($plugin:ty) => {
        const _: () = {
            struct Exported;
            impl $crate::bindings::transform::exports::tidegate::plugin::transformer::Guest for Exported {
                fn describe() -> $crate::Description {
                    $crate::install_panic_hook();
                    <$plugin as $crate::Transformer>::describe()
                }
                fn transform(
                    request: &$crate::Request,
                    sink: &$crate::Sink,
                ) -> ::core::result::Result<(), $crate::Failure> {
                    $crate::install_panic_hook();
                    <$plugin as $crate::Transformer>::transform(request, sink)
                }
            }
            $crate::bindings::transform::export_transform_world!(Exported with_types_in $crate::bindings::transform);
        };
    };
}

/// Makes a type that implements [`Validator`](crate::Validator) the plugin of this `cdylib`.
#[macro_export]
macro_rules! export_validator {
    ($plugin:ty) => {
        const _: () = {
            struct Exported;
            impl $crate::bindings::validate::exports::tidegate::plugin::validator::Guest for Exported {
                fn describe() -> $crate::Description {
                    $crate::install_panic_hook();
                    <$plugin as $crate::Validator>::describe()
                }
                fn validate(request: &$crate::Request, sink: &$crate::Sink) -> ::core::result::Result<(), $crate::Failure> {
                    $crate::install_panic_hook();
                    <$plugin as $crate::Validator>::validate(request, sink)
                }
            }
            $crate::bindings::validate::export_validate_world!(Exported with_types_in $crate::bindings::validate);
        };
    };
}

/// Makes a type that implements [`Comparer`](crate::Comparer) the plugin of this `cdylib`.
#[macro_export]
macro_rules! export_comparer {
    ($plugin:ty) => {
        const _: () = {
            struct Exported;
            impl $crate::bindings::compare::exports::tidegate::plugin::comparer::Guest for Exported {
                fn describe() -> $crate::Description {
                    $crate::install_panic_hook();
                    <$plugin as $crate::Comparer>::describe()
                }
                fn compare(
                    request: &$crate::Request,
                    pairs: ::std::vec::Vec<$crate::Pair>,
                ) -> ::core::result::Result<(), $crate::Failure> {
                    $crate::install_panic_hook();
                    <$plugin as $crate::Comparer>::compare(request, pairs)
                }
            }
            $crate::bindings::compare::export_compare_world!(Exported with_types_in $crate::bindings::compare);
        };
    };
}
