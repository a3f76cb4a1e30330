//! What wasmtime's `bindgen!` makes of the imports of `wit/0.1`.

wasmtime::component::bindgen!({
    path: "../../wit/0.1",
    world: "imports",
    imports: { default: trappable },
    with: {
        "tidegate:plugin/inputs.tree": crate::host::inputs::TreeHandle,
        "tidegate:plugin/inputs.manifest": crate::host::inputs::ManifestHandle,
        "tidegate:plugin/inputs.request": crate::host::inputs::RequestHandle,
        "tidegate:plugin/outputs.sink": crate::host::outputs::SinkHandle,
        "tidegate:plugin/pairs.pair": crate::host::pairs::PairHandle,
    },
    additional_derives: [PartialEq],
});
