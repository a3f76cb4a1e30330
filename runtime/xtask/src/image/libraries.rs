use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;

use crate::step;

/// What glibc before 2.34 loads by itself when it looks up names; later versions have it inside.
const NAME_SERVICE: &[&str] = &["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];

/// A shared library that a program needs.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Library {
    /// Where the loader looks for it, without the leading slash.
    pub(super) at: String,
    pub(super) file: PathBuf,
}

/// The libraries of `program` and the loader itself, sorted. A static program has none.
pub(super) fn of(program: &Path) -> anyhow::Result<Vec<Library>> {
    let mut command = Command::new("ldd");
    command.arg(program).env("LC_ALL", "C");
    let mut libraries = match step::output(&mut command) {
        Ok(text) => parse(&text)?,
        Err(error) if format!("{error:#}").contains("not a dynamic executable") => Vec::new(),
        Err(error) => return Err(error),
    };
    let c_library = libraries
        .iter()
        .find(|library| library.at.ends_with("/libc.so.6"));
    let folder = c_library.and_then(|library| Some(library.file.parent()?.to_owned()));
    for file in folder
        .iter()
        .flat_map(|folder| NAME_SERVICE.iter().map(|name| folder.join(name)))
    {
        if file.is_file() && !libraries.iter().any(|library| library.file == file) {
            libraries.push(library(&file.display().to_string()));
        }
    }
    libraries.sort();
    libraries.dedup();
    Ok(libraries)
}

/// Reads what ldd says: `name => path (address)`, or `path (address)` for the loader.
fn parse(text: &str) -> anyhow::Result<Vec<Library>> {
    let mut libraries = Vec::new();
    for line in text.lines().map(str::trim) {
        let Some((name, rest)) = line.split_once(" => ") else {
            // The loader; what the kernel maps has no path.
            if let Some((path, _)) = line.split_once(" (").filter(|_| line.starts_with('/')) {
                libraries.push(library(path));
            }
            continue;
        };
        match rest.rsplit_once(" (") {
            Some((path, _)) if path.starts_with('/') => libraries.push(library(path)),
            _ => bail!("the program needs {name}, which is not on this machine"),
        }
    }
    Ok(libraries)
}

fn library(path: &str) -> Library {
    Library {
        at: path.trim_start_matches('/').to_owned(),
        file: PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// As ldd of glibc 2.36 prints.
    #[test]
    fn libraries_and_loader_are_read() {
        let text = "\tlinux-vdso.so.1 (0x00007fbbc9554000)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007fbbc9261000)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007fbbc9556000)\n";
        let found: Vec<_> = parse(text).unwrap().into_iter().map(|of| of.at).collect();
        assert_eq!(
            found,
            [
                "lib/x86_64-linux-gnu/libc.so.6",
                "lib64/ld-linux-x86-64.so.2"
            ]
        );
        assert_eq!(
            parse("\tlibz.so.1 => not found\n").unwrap_err().to_string(),
            "the program needs libz.so.1, which is not on this machine"
        );
    }
}
