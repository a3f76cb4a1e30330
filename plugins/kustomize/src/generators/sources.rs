//! Keys and values from environment files, literals and files.

use crate::error::{Result, quote};
use crate::kustomization::KeyValueSources;
use crate::loader::Loader;
use crate::{Error, paths, secrecy};

/// A key with its content, which may be no text.
pub(super) type Pair = (String, Vec<u8>);

/// All pairs, in the order environment files, literals, files. kustomize: api/kv. Of those of a Secret, errors show no
/// values.
pub(super) fn load(
    sources: &KeyValueSources,
    loader: &Loader<'_>,
    is_secret: bool,
) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for path in &sources.envs {
        from_env_file(&mut pairs, path, loader, is_secret).map_err(|error| {
            error.wrap(format_args!(
                "env source files: [{}]",
                sources.envs.join(" ")
            ))
        })?;
    }
    for literal in &sources.literals {
        let pair = from_literal(literal).map_err(|problem| {
            let shown = |literal: &String| {
                if is_secret {
                    secrecy::literal(literal)
                } else {
                    literal.clone()
                }
            };
            let all: Vec<String> = sources.literals.iter().map(shown).collect();
            Error::text(format!(
                "literal sources [{}]: invalid literal source {}, {problem}",
                all.join(" "),
                shown(literal)
            ))
        })?;
        pairs.push(pair);
    }
    for file in &sources.files {
        let pair = from_file(file, loader).map_err(|error| {
            error.wrap(format_args!("file sources: [{}]", sources.files.join(" ")))
        })?;
        pairs.push(pair);
    }
    Ok(pairs)
}

fn from_env_file(
    pairs: &mut Vec<Pair>,
    path: &str,
    loader: &Loader<'_>,
    is_secret: bool,
) -> Result<()> {
    let content = loader.load(path)?;
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(line) = std::str::from_utf8(line) else {
            if is_secret {
                let hidden = secrecy::HIDDEN;
                return Err(Error::text(format!(
                    "line {hidden} has invalid utf8 bytes : {hidden}"
                )));
            }
            return Err(Error::text(format!(
                "line {line:?} has invalid utf8 bytes : {}",
                String::from_utf8_lossy(line)
            )));
        };
        let line = if number == 0 {
            line.strip_prefix('\u{feff}').unwrap_or(line)
        } else {
            line
        };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(())
}

fn from_literal(literal: &str) -> Result<Pair, &'static str> {
    match literal.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            Ok((key.to_owned(), without_quotes(value).as_bytes().to_vec()))
        }
        _ => Err("expected key=value"),
    }
}

fn without_quotes(text: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(text)
}

fn from_file(source: &str, loader: &Loader<'_>) -> Result<Pair> {
    let (key, path) = match (source.matches('=').count(), source.split_once('=')) {
        (0, _) | (_, None) => (paths::base(source), source),
        (1, Some(("", path))) => {
            let (path, source) = (quote(path), quote(source));
            return Err(Error::text(format!(
                "missing key name for file path {path} in source {source}"
            )));
        }
        (1, Some((key, ""))) => {
            let (key, source) = (quote(key), quote(source));
            return Err(Error::text(format!(
                "missing file path for key name {key} in source {source}"
            )));
        }
        (1, Some((key, path))) => (key, path),
        _ => {
            return Err(Error::text(format!(
                "source {} key name or file path contains '='",
                quote(source)
            )));
        }
    };
    Ok((key.to_owned(), loader.load(path)?))
}
