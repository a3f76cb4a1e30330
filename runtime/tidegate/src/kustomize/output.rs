//! Where the result goes: standard output, a file, or a folder with one file per object.

use crate::file_tree::reason;
use anyhow::Context as _;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use tidegate_object::Gvk;
use tidegate_object::ObjectId;
use tidegate_yaml::Map;
use tidegate_yaml::Value;

/// What a shell shows for a process that SIGPIPE ended.
const BROKEN_PIPE: u8 = 141;

/// All documents as one text.
pub(super) fn join(documents: &[Bytes]) -> Vec<u8> {
    documents.join(&b"---\n"[..])
}

/// Writes to standard output. A reader that went away is no error to be shown.
pub(crate) fn print(text: &[u8]) -> anyhow::Result<ExitCode> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text).and_then(|()| output.flush()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::from(BROKEN_PIPE)),
        Err(error) => Err(failed("write", Path::new("/dev/stdout"), &error)),
    }
}

/// Writes to the file, or into the folder, that `--output` names.
pub(super) fn write(path: &str, documents: &[Bytes]) -> anyhow::Result<ExitCode> {
    let path = Path::new(path);
    if path.is_dir() {
        write_each(path, documents)?;
    } else {
        write_file(path, &join(documents))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_file(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut file = std::fs::File::create(path).map_err(|error| failed("open", path, &error))?;
    file.write_all(content)
        .map_err(|error| failed("write", path, &error))
}

fn failed(operation: &str, path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow::Error::msg(format!("{operation} {}: {}", path.display(), reason(error)))
}

/// One file per object (kustomize/commands/build, `WriteIndividualFiles`): the namespace is part of the name if there
/// are several. As there, a later object of the same name replaces an earlier one.
fn write_each(folder: &Path, documents: &[Bytes]) -> anyhow::Result<()> {
    let identities = documents
        .iter()
        .map(|document| identity(document))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let namespaces: BTreeSet<&str> = identities.iter().filter_map(namespace).collect();
    for (document, id) in documents.iter().zip(&identities) {
        let mut name = file_name(id);
        if let Some(namespace) = namespace(id).filter(|_| namespaces.len() > 1) {
            name = format!("{}_{name}", namespace.to_lowercase());
        }
        write_file(&folder.join(name), document)?;
    }
    Ok(())
}

fn identity(document: &[u8]) -> anyhow::Result<ObjectId> {
    let value = tidegate_yaml::parse_v2(document).context("failed to read a built manifest")?;
    let field = |map: Option<&Map>, name: &str| {
        map.and_then(|map| map.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let metadata = value.get("metadata").and_then(Value::as_map);
    let gvk = Gvk::from_api_version(
        &field(value.as_map(), "apiVersion"),
        &field(value.as_map(), "kind"),
    );
    Ok(ObjectId::new(
        gvk,
        field(metadata, "name"),
        field(metadata, "namespace"),
    ))
}

/// `None` for what is known to be outside of namespaces.
fn namespace(id: &ObjectId) -> Option<&str> {
    (!id.cluster_scoped).then(|| id.effective_namespace())
}

fn file_name(id: &ObjectId) -> String {
    let gvk: Vec<&str> = [&*id.gvk.group, &*id.gvk.version, &*id.gvk.kind]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    format!(
        "{}_{}.yaml",
        gvk.join("_").to_lowercase(),
        id.name.to_lowercase()
    )
}
