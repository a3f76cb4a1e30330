//! Fetching what `.gitmodules` names, as go-git does with `RecurseSubmodules`.

use crate::budget::Budget;
use crate::commit::Commit;
use crate::error::Failure;
use crate::limits::Limits;
use crate::objects::Objects;
use crate::remote::Remote;
use crate::session::{Advertised, Session};
use crate::tree::{Builder, Link};
use gix::ObjectId;
use std::collections::BTreeMap;
use std::path::Path;

/// Where a repository's submodules come from.
pub(crate) struct Parent<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) budget: &'a Budget,
    pub(crate) scratch: Option<&'a Path>,
    /// The repository's folder in the tree.
    pub(crate) path: &'a str,
    /// Where a clone would keep the repository, from the root of the tree.
    pub(crate) git_folder: &'a str,
    pub(crate) depth: usize,
}

/// One `[submodule]` section.
struct Module {
    name: String,
    url: String,
}

/// Adds every submodule among `links` that `modules` (the text of `.gitmodules`) knows, and those in them.
///
/// Each leaves the `.git` file that a clone would have there: Flux's artifacts hold it.
pub(crate) fn add(
    builder: &mut Builder<'_>,
    parent: &Parent<'_>,
    modules: &[u8],
    links: Vec<Link>,
) -> Result<(), Failure> {
    if parent.depth >= builder.limits.submodule_depth {
        return Ok(());
    }
    let modules = parse(modules)?;
    for link in links {
        let relative = link
            .path
            .strip_prefix(parent.path)
            .unwrap_or(&link.path)
            .trim_start_matches('/');
        let Some(module) = modules.get(relative) else {
            continue;
        };
        one(builder, parent, module, &link).map_err(|cause| Failure::Submodule {
            name: module.name.clone(),
            cause: Box::new(cause),
        })?;
    }
    Ok(())
}

fn one(
    builder: &mut Builder<'_>,
    parent: &Parent<'_>,
    module: &Module,
    link: &Link,
) -> Result<(), Failure> {
    let remote = parent
        .remote
        .to(locate(&parent.remote.parsed, &module.url)?);
    let mut session = Session::open(&remote, *builder.limits, parent.budget)?;
    // Of the link's format: what is remembered of the server may be old until it is asked.
    let mut objects = Objects::new(parent.scratch, link.commit.kind())?;
    let commit = obtain(&mut session, &mut objects, link.commit)?;
    let modules = read_modules(&objects, commit.tree, builder.limits)?;
    let git_folder = format!("{}/modules/{}", parent.git_folder, module.name);
    let up = "../".repeat(link.path.split('/').count());
    builder.add_text(
        &format!("{}/.git", link.path),
        format!("gitdir: {up}{git_folder}\n"),
    )?;
    let links = builder.add(objects, commit.tree, &link.path)?;
    let parent = Parent {
        remote: &remote,
        path: &link.path,
        git_folder: &git_folder,
        depth: parent.depth + 1,
        ..*parent
    };
    add(builder, &parent, &modules, links)
}

/// The commit by itself; from a server that gives only what references lead to, with all its branches.
fn obtain(session: &mut Session, objects: &mut Objects, id: ObjectId) -> Result<Commit, Failure> {
    let direct = session.fetch_commit(id, objects);
    if let Err(Failure::Protocol(reason)) = direct {
        tracing::debug!(reason, "the server does not give a commit by itself");
        let heads: Vec<_> = session
            .list(&["refs/heads/"])?
            .iter()
            .map(Advertised::target)
            .collect();
        session.fetch_history(&heads, objects)?;
    } else {
        direct?;
    }
    Commit::load(objects, id)?
        .ok_or_else(|| Failure::Protocol(format!("commit {id}: object not found")))
}

/// The text of the `.gitmodules` at the root of a tree; empty without one.
pub(crate) fn read_modules(
    objects: &Objects,
    tree: ObjectId,
    limits: &Limits,
) -> Result<Vec<u8>, Failure> {
    let missing = |id: &ObjectId| Failure::Protocol(format!("object {id} was not sent"));
    let format = tree.kind();
    let tree = objects.find(&tree)?.ok_or_else(|| missing(&tree))?;
    for entry in gix::objs::TreeRefIter::from_bytes(&tree.data, format) {
        let entry = entry.map_err(|error| Failure::protocol(&error))?;
        if entry.filename == ".gitmodules" && entry.mode.is_blob() {
            let id = entry.oid.to_owned();
            return match objects.find(&id)? {
                Some(blob) => Ok(blob.data),
                // Without it nobody knows which submodules there are.
                None if objects.is_filtered => Err(Failure::TooLarge {
                    what: "bytes in .gitmodules",
                    limit: limits.file_bytes,
                }),
                None => Err(missing(&id)),
            };
        }
    }
    Ok(Vec::new())
}

/// Modules by path.
fn parse(text: &[u8]) -> Result<BTreeMap<String, Module>, Failure> {
    let file = gix::config::File::from_bytes_no_includes(
        text,
        gix::config::file::Metadata::api(),
        gix::config::file::init::Options::default(),
    )
    .map_err(|error| Failure::Protocol(format!(".gitmodules: {error}")))?;
    let mut modules = BTreeMap::new();
    for section in file.sections_by_name("submodule").into_iter().flatten() {
        let value = |key: &str| section.value(key).map(|value| value.to_string());
        let name = section.header().subsection_name().map(ToString::to_string);
        if let (Some(name), Some(path), Some(url)) = (name, value("path"), value("url")) {
            modules.insert(path.trim_end_matches('/').to_owned(), Module { name, url });
        }
    }
    Ok(modules)
}

/// A submodule's URL, which may be relative to its parent's.
fn locate(parent: &url::Url, text: &str) -> Result<url::Url, Failure> {
    let wrong = || {
        Failure::Protocol(format!(
            "url {:?} can't be used",
            tidegate_values::SafeUrl::new(text).to_string()
        ))
    };
    if text.starts_with("./") || text.starts_with("../") {
        let mut url = parent.clone();
        let mut parts: Vec<&str> = parent
            .path()
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                name => parts.push(name),
            }
        }
        url.set_path(&parts.join("/"));
        return Ok(url);
    }
    let url = if let Ok(url) = url::Url::parse(text) {
        url
    } else {
        // `user@host:path`
        let (host, path) = text.split_once(':').ok_or_else(wrong)?;
        url::Url::parse(&format!("ssh://{host}/{path}")).map_err(|_| wrong())?
    };
    // Never a path of our own machine.
    if matches!(url.scheme(), "http" | "https" | "ssh") {
        Ok(url)
    } else {
        Err(wrong())
    }
}
