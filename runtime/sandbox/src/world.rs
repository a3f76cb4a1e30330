use wasmtime::Engine;
use wasmtime::component::Component;

/// Which of the contract's worlds a component is of: what it exports decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum World {
    Render,
    Transform,
    Validate,
    Compare,
}

impl World {
    const ALL: [Self; 4] = [Self::Render, Self::Transform, Self::Validate, Self::Compare];

    /// The exported interface, without its version.
    pub(crate) const fn interface(self) -> &'static str {
        match self {
            Self::Render => "tidegate:plugin/renderer",
            Self::Transform => "tidegate:plugin/transformer",
            Self::Validate => "tidegate:plugin/validator",
            Self::Compare => "tidegate:plugin/comparer",
        }
    }

    /// The function of that interface which does the work.
    pub(crate) const fn function(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Transform => "transform",
            Self::Validate => "validate",
            Self::Compare => "compare",
        }
    }
}

/// The interfaces that a plugin may export, for messages.
pub(crate) fn names() -> String {
    World::ALL
        .map(|world| format!("{}@0.1", world.interface()))
        .join(", ")
}

/// The worlds that `component` exports, with the full name of each interface; and everything else that it exports.
pub(crate) fn exported(
    engine: &Engine,
    component: &Component,
) -> (Vec<(World, String)>, Vec<String>) {
    let mut worlds = Vec::new();
    let mut others = Vec::new();
    for (name, _) in component.component_type().exports(engine) {
        let world = World::ALL.into_iter().find(|world| {
            name.strip_prefix(world.interface())
                .is_some_and(|version| version.starts_with("@0.1."))
        });
        match world {
            Some(world) => worlds.push((world, name.to_owned())),
            None => others.push(name.to_owned()),
        }
    }
    (worlds, others)
}
