//! Which lists of an object a strategic merge patch merges by key: the built-in Kubernetes types from a static
//! table, types that a build brings along (`openapi.path`), and comments.

mod comment;
mod custom;
mod table;

pub(crate) use comment::CommentSchemas;
pub use custom::CustomSchema;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Object,
    List,
}

#[derive(Debug)]
struct Field {
    name: &'static str,
    shape: Shape,
    /// Definition of the object, or of the elements of the list.
    target: Option<u16>,
    /// Present on lists that merge: the keys that identify an element; none for lists of scalars.
    merge: Option<&'static [&'static str]>,
}

#[derive(Debug)]
struct Definition {
    /// Sorted by name.
    fields: &'static [Field],
    any_name: Option<Field>,
}

/// The types known to one build.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    custom: Option<std::rc::Rc<CustomSchema>>,
}

impl Schema {
    /// The built-in types.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Only the types of an OpenAPI document, as `openapi.path` of a kustomization asks for.
    pub fn custom(schema: CustomSchema) -> Self {
        Self {
            custom: Some(std::rc::Rc::new(schema)),
        }
    }

    /// The schema of a type, if it is known.
    pub fn of_type(&self, api_version: &str, kind: &str) -> Option<TypeSchema<'_>> {
        if let Some(custom) = &self.custom {
            if let Some(node) = custom.of_type(api_version, kind) {
                return Some(TypeSchema(Position::Custom(custom, node)));
            }
            if !custom.knows_builtin() {
                return None;
            }
        }
        let index = table::TYPES
            .binary_search_by(|(a, k, _)| (*a, *k).cmp(&(api_version, kind)))
            .ok()?;
        Some(TypeSchema(Position::Builtin {
            shape: Shape::Object,
            target: table::TYPES[index].2,
            merge: None,
        }))
    }
}

/// A place in a schema.
#[derive(Debug, Clone, Copy)]
pub struct TypeSchema<'a>(Position<'a>);

#[derive(Debug, Clone, Copy)]
enum Position<'a> {
    Builtin {
        shape: Shape,
        target: Option<u16>,
        merge: Option<&'static [&'static str]>,
    },
    Custom(&'a CustomSchema, &'a custom::SchemaNode),
}

/// How a list merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeKeys {
    /// The fields that together tell elements apart; none where the elements are no mappings, or the schema names no field.
    pub keys: Vec<String>,
}

impl<'a> TypeSchema<'a> {
    fn resolved(schema: &'a CustomSchema, found: custom::Resolved<'a>) -> Self {
        match found {
            custom::Resolved::Here(node) => Self(Position::Custom(schema, node)),
            custom::Resolved::Builtin(name) => {
                let target = table::NAMES
                    .binary_search(&name)
                    .ok()
                    .and_then(|index| u16::try_from(index).ok());
                Self(Position::Builtin {
                    shape: Shape::Object,
                    target,
                    merge: None,
                })
            }
        }
    }

    /// The schema of a field of this object.
    pub fn field(&self, name: &str) -> Option<TypeSchema<'a>> {
        match self.0 {
            Position::Builtin {
                shape: Shape::Object,
                target: Some(target),
                ..
            } => {
                let definition = &table::DEFINITIONS[usize::from(target)];
                let field = match definition
                    .fields
                    .binary_search_by(|field| field.name.cmp(name))
                {
                    Ok(index) => &definition.fields[index],
                    Err(_) => definition.any_name.as_ref()?,
                };
                Some(TypeSchema(Position::Builtin {
                    shape: field.shape,
                    target: field.target,
                    merge: field.merge,
                }))
            }
            Position::Builtin { .. } => None,
            Position::Custom(schema, node) => schema
                .field(node, name)
                .map(|found| TypeSchema::resolved(schema, found)),
        }
    }

    /// The schema of the elements of this list.
    pub fn elements(&self) -> Option<TypeSchema<'a>> {
        match self.0 {
            Position::Builtin {
                shape: Shape::List,
                target,
                ..
            } => Some(TypeSchema(Position::Builtin {
                shape: Shape::Object,
                target,
                merge: None,
            })),
            Position::Builtin { .. } => None,
            Position::Custom(schema, node) => schema
                .elements(node)
                .map(|found| TypeSchema::resolved(schema, found)),
        }
    }

    /// Present if this is a list whose elements merge.
    pub fn merge_keys(&self) -> Option<MergeKeys> {
        match self.0 {
            Position::Builtin { merge, .. } => merge.map(|keys| MergeKeys {
                keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            }),
            Position::Custom(_, node) => node.merge_keys(),
        }
    }
}
