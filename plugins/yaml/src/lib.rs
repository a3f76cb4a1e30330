//! YAML as Go's libraries read and write it.
//!
//! Flux and kustomize show their users what go.yaml.in/yaml v2 and v3 and sigs.k8s.io/yaml make of a document, down
//! to quotes, folded lines and the words of an error. This crate does the same, with a tree that keeps comments and
//! styles, and without clock, files or environment, so that it runs in a sandbox.
//!
//! The grammar, odd corners included, is libyaml's, by way of go-yaml, which is a translation of it.
//! It never guesses: what go-yaml does not accept is an error here too. See the crate's `COMPATIBILITY.md` for the
//! known differences.

mod canonical;
mod characters;
mod composer;
mod decode;
mod emit;
mod error;
mod json;
mod node;
mod number;
mod parser;
mod resolve;
mod scanner;
mod source;
mod value;

pub use canonical::{node_to_canonical_value, node_to_canonical_yaml};
pub use composer::Document;
pub use emit::v3::Indent;
pub use error::Error;
pub use node::{Comments, Kind, Node, Style, Tag};
pub use value::{Map, Value};

use composer::Composer;
use scanner::Dialect;
use source::Source;

/// Reads all documents of a stream with yaml.v3's rules. Documents with nothing in them are left out only if not
/// even `---` stands for them; an empty one after `---` is a null.
pub fn parse_documents(input: &[u8]) -> Result<Vec<Node>, Error> {
    Ok(parse_stream(input)?
        .into_iter()
        .map(|document| document.root)
        .collect())
}

/// Like [`parse_documents`], with the comments at the start and the end of each document.
pub fn parse_stream(input: &[u8]) -> Result<Vec<Document>, Error> {
    let source = Source::new(input);
    let mut composer = Composer::new(&source, Dialect::V3);
    let mut documents = Vec::new();
    while let Some(document) = composer.next_document(&documents)? {
        documents.push(document);
    }
    Ok(documents)
}

/// Reads the first document of a stream with yaml.v3's rules, and does not look at the others: `yaml.Unmarshal`.
pub fn parse_document(input: &[u8]) -> Result<Option<Node>, Error> {
    Ok(parse_first_document(input)?.map(|document| document.root))
}

/// Like [`parse_document`], with the comments at the start and the end of the document.
pub fn parse_first_document(input: &[u8]) -> Result<Option<Document>, Error> {
    let source = Source::new(input);
    Composer::new(&source, Dialect::V3).next_document(&[])
}

/// Decodes a tree to plain data with yaml.v3's rules: aliases and merge keys are expanded, binary data decoded,
/// timestamps put in RFC 3339; repeated keys are an error.
pub fn decode(node: &Node) -> Result<Value, Error> {
    decode::v3::decode(node)
}

/// Decodes a mapping (or a null, which gives an empty map) like [`decode`], as Go does into `map[string]interface{}`:
/// keys of other types become texts, at this level only.
pub fn decode_object(node: &Node) -> Result<Map, Error> {
    decode::v3::decode_object(node)
}

/// Reads the first document with yaml.v2's rules and makes it fit JSON: sigs.k8s.io/yaml, `YAMLToJSON`, without the
/// text in between. `yes`, `no`, `on`, `off`, `y` and `n` are booleans; keys become texts; of repeated keys the last
/// counts. Nothing at all is null.
pub fn parse_v2(input: &[u8]) -> Result<Value, Error> {
    let source = Source::new(input);
    match Composer::new(&source, Dialect::V2).next_document(&[])? {
        Some(document) => decode::v2::decode(&document.root),
        None => Ok(Value::Null),
    }
}

/// Writes JSON as Go's encoding/json does: sorted keys, no spaces, `<`, `>` and `&` escaped, no line break at the end.
pub fn to_json(value: &Value) -> Result<String, Error> {
    let mut text = String::new();
    json::write_value(value, &mut text)?;
    Ok(text)
}

/// Writes YAML as yaml.v2 does: keys in natural order, sequences in the column of their key, lines folded at 80
/// columns, a line break at the end.
pub fn emit_v2(value: &Value) -> String {
    emit::v2::emit(value)
}

/// JSON to YAML: sigs.k8s.io/yaml, `JSONToYAML`. The JSON is read as YAML, which changes some rare characters.
pub fn json_to_yaml(json: &[u8]) -> Result<String, Error> {
    Ok(emit_v2(&parse_v2(json)?))
}

/// Writes plain data as sigs.k8s.io/yaml's `Marshal` does: by way of JSON.
pub fn marshal(value: &Value) -> Result<String, Error> {
    canonical::marshal(value)
}

/// Writes a tree as yaml.v3's encoder does, with its comments and styles.
pub fn emit_v3(node: &Node, indent: Indent) -> Result<String, Error> {
    emit::v3::emit(node, indent)
}

/// Writes documents as yaml.v3's encoder does, with `---` between them.
pub fn emit_v3_stream(documents: &[Document], indent: Indent) -> Result<String, Error> {
    emit::v3::emit_stream(documents, indent)
}
