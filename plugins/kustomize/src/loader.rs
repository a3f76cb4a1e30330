//! Reads files for one kustomization folder, within the rules on where a kustomization may read from.

use std::rc::Rc;

use crate::error::Result;
use crate::files::{FileError, FileType, Remote};
use crate::repository::RepositorySpec;
use crate::{Error, Files, paths};

/// Where a kustomization may read files from (bases may be anywhere).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadRestrictor {
    /// In and below its own folder.
    #[default]
    RootOnly,
    /// Anywhere.
    None,
}

/// The view that one kustomization has of the files. kustomize: api/internal/loader, `FileLoader`.
#[derive(Clone)]
pub(crate) struct Loader<'f> {
    files: &'f dyn Files,
    restrictor: LoadRestrictor,
    inner: Rc<Place>,
}

/// How deep bases may nest. Real ones stay far below; each level needs stack.
const MAX_DEPTH: usize = 64;

struct Place {
    root: String,
    referrer: Option<Rc<Place>>,
    /// For a fetched repository: the locator it came by, and the top of its checkout.
    repository: Option<(String, String)>,
}

impl<'f> Loader<'f> {
    /// A loader for the folder that a build starts at.
    pub(crate) fn start(
        files: &'f dyn Files,
        restrictor: LoadRestrictor,
        target: &str,
    ) -> Result<Self> {
        if RepositorySpec::parse(target).is_ok() {
            return Self::at_repository(files, target, None);
        }
        let root = confirm_directory(files, target)
            .map_err(|error| error.wrap("must build at directory"))?;
        Ok(Self {
            files,
            restrictor,
            inner: Rc::new(Place {
                root,
                referrer: None,
                repository: None,
            }),
        })
    }

    pub(crate) fn root(&self) -> &str {
        &self.inner.root
    }

    pub(crate) fn files(&self) -> &'f dyn Files {
        self.files
    }

    /// A loader for a base or component of this kustomization.
    pub(crate) fn open(&self, path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err(Error::text("new root cannot be empty"));
        }
        self.inner.refuse_depth()?;
        if RepositorySpec::parse(path).is_ok() {
            self.inner.refuse_repository_cycle(path)?;
            return Self::at_repository(self.files, path, Some(Rc::clone(&self.inner)));
        }
        if paths::is_absolute(path) {
            return Err(Error::text(format!("new root '{path}' cannot be absolute")));
        }
        let root = confirm_directory(self.files, &paths::join(self.root(), path))
            .map_err(|error| error.wrap("must build at directory"))?;
        self.inner.refuse_leaving_repository(&root)?;
        self.inner.refuse_cycle(&root)?;
        let place = Place {
            root,
            referrer: Some(Rc::clone(&self.inner)),
            repository: None,
        };
        Ok(Self {
            files: self.files,
            restrictor: self.restrictor,
            inner: Rc::new(place),
        })
    }

    fn at_repository(
        files: &'f dyn Files,
        locator: &str,
        referrer: Option<Rc<Place>>,
    ) -> Result<Self> {
        match files.remote(locator)? {
            Remote::File(_) => Err(Error::text(format!(
                "'{locator}' refers to a file; expecting directory"
            ))),
            Remote::Tree { root, path } => {
                let (folder, file) = clean_absolute(files, &path)?;
                if let Some(file) = file {
                    return Err(Error::text(format!(
                        "'{path}' refers to file '{file}'; expecting directory"
                    )));
                }
                if !paths::is_at_or_below(&folder, &root) {
                    return Err(Error::text(format!(
                        "{} refers to directory outside of repo {}",
                        crate::error::quote(&path),
                        crate::error::quote(&root)
                    )));
                }
                let place = Place {
                    root: folder,
                    referrer,
                    repository: Some((locator.to_owned(), root)),
                };
                Ok(Self {
                    files,
                    restrictor: LoadRestrictor::RootOnly,
                    inner: Rc::new(place),
                })
            }
        }
    }

    /// The content of a file, by a path relative to this folder or an URL.
    pub(crate) fn load(&self, path: &str) -> Result<Vec<u8>> {
        if is_remote_file(path) {
            return match self.files.remote(path)? {
                Remote::File(content) => Ok(content),
                Remote::Tree { .. } => Err(Error::text("URL is a git repository")),
            };
        }
        let path = if paths::is_absolute(path) {
            path.to_owned()
        } else {
            paths::join(self.root(), path)
        };
        let path = match self.restrictor {
            LoadRestrictor::None => path,
            LoadRestrictor::RootOnly => {
                let real = real_path(self.files, &path)?;
                let not_a_file = || Error::text(format!("'{path}' must resolve to a file"));
                if !paths::is_at_or_below(paths::split(&real).0, self.root()) {
                    return Err(if is_directory(self.files, &real) {
                        not_a_file()
                    } else {
                        Error::text(format!(
                            "security; file '{path}' is not in or below '{}'",
                            self.root()
                        ))
                    });
                }
                // Reading tells what it is: one question less for each file of a build.
                return self.files.read(&real).map_err(|error| match error {
                    FileError::IsADirectory { .. } => not_a_file(),
                    error => error.into(),
                });
            }
        };
        Ok(self.files.read(&path)?)
    }
}

impl Place {
    fn refuse_cycle(&self, candidate: &str) -> Result<()> {
        if paths::is_at_or_below(&self.root, candidate) {
            return Err(Error::text(format!(
                "cycle detected: candidate root '{candidate}' contains visited root '{}'",
                self.root
            )));
        }
        self.referrer
            .as_ref()
            .map_or(Ok(()), |referrer| referrer.refuse_cycle(candidate))
    }

    fn refuse_depth(&self) -> Result<()> {
        if std::iter::successors(Some(self), |place| place.referrer.as_deref()).count() > MAX_DEPTH
        {
            return Err(Error::text(format!(
                "bases nest more than {MAX_DEPTH} levels deep"
            )));
        }
        Ok(())
    }

    fn refuse_repository_cycle(&self, locator: &str) -> Result<()> {
        if let Some((seen, _)) = &self.repository
            && seen.starts_with(locator)
        {
            return Err(Error::text(format!(
                "cycle detected: URI '{locator}' referenced by previous URI '{seen}'"
            )));
        }
        self.referrer
            .as_ref()
            .map_or(Ok(()), |referrer| referrer.refuse_repository_cycle(locator))
    }

    fn refuse_leaving_repository(&self, base: &str) -> Result<()> {
        match (&self.repository, &self.referrer) {
            (Some((_, top)), _) if !paths::is_at_or_below(base, top) => Err(Error::text(format!(
                "security; bases in kustomizations found in cloned git repos must be within the repo, \
                 but base '{base}' is outside '{top}'"
            ))),
            (Some(_), _) | (None, None) => Ok(()),
            (None, Some(referrer)) => referrer.refuse_leaving_repository(base),
        }
    }
}

/// True for what is fetched by HTTP.
pub(crate) fn is_remote_file(path: &str) -> bool {
    let scheme = path
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// The real folder of a path, and the file in it if it is none. Go: `fsOnDisk.CleanedAbs`.
fn clean_absolute(files: &dyn Files, path: &str) -> Result<(String, Option<String>)> {
    let real = real_path(files, path)?;
    if is_directory(files, &real) {
        return Ok((real, None));
    }
    let (folder, file) = paths::split(&real);
    Ok((folder.to_owned(), Some(file.to_owned())))
}

fn is_directory(files: &dyn Files, path: &str) -> bool {
    matches!(files.stat(path), Ok(FileType::Directory))
}

fn real_path(files: &dyn Files, path: &str) -> Result<String> {
    files.real_path(path).map_err(|error| match error {
        denied @ FileError::Denied(_) => denied.into(),
        error => Error::text(format!("evalsymlink failure on '{path}' : {error}")),
    })
}

fn confirm_directory(files: &dyn Files, path: &str) -> Result<String> {
    if path.is_empty() {
        return Err(Error::text("directory path cannot be empty"));
    }
    let (folder, file) =
        clean_absolute(files, path).map_err(|error| error.wrap("not a valid directory"))?;
    match file {
        Some(_) => Err(Error::text(format!("'{path}': file is not directory"))),
        None => Ok(folder),
    }
}
