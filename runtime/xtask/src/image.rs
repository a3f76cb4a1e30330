//! `cargo xtask image`: a container image of the program, without Docker and without a base image.
//!
//! It holds the program, the built-in plugins, the shared libraries that the program names (those of this machine's C
//! library), certificates of authorities, and a user. What comes out is an archive in OCI's image layout that
//! `docker load`, `podman load`, `skopeo`, `ctr images import` and `kind load image-archive` take.

mod archive;
mod files;
mod libraries;
mod name;
#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::workspace::Workspace;
use crate::{plugins, step, tools};
use archive::{Description, Image};
use files::Files;
use name::Name;

/// Who the program runs as; the number that images without a distribution use for a user without rights.
const USER: u32 = 65532;
const PROGRAM: &str = "usr/local/bin/tidegate";
/// Beside the program, where it looks by itself.
const PLUGINS: &str = "usr/local/bin/plugins";
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// Where distributions have the authorities that they trust: Debian and others, Fedora, Alpine.
const KNOWN_AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

#[derive(Args)]
pub(crate) struct Options {
    #[arg(
        long,
        help = "Name and tag of the image, such as registry.example/team/tidegate:1.0 [default: tidegate:<version>]"
    )]
    name: Option<String>,
    #[arg(
        long,
        help = "The archive to write [default: target/image/tidegate-<version>-<architecture>.tar]"
    )]
    output: Option<PathBuf>,
    /// Cargo profile to build the program in
    #[arg(long, default_value = "release")]
    profile: String,
    /// File of the certificates to trust, in PEM [default: this machine's]
    #[arg(long)]
    ca_certificates: Option<PathBuf>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let default = format!("tidegate:{version}");
    let name = Name::parse(options.name.as_deref().unwrap_or(&default), version)?;
    let description = describe(workspace, version)?;
    tools::rust_targets(workspace)?;
    let plugins = plugins::run(&workspace.root, &workspace.target)?;
    let program = step::timed("tidegate", || build(workspace, &options.profile))?;
    let authorities = authorities(options.ca_certificates.as_deref())?;
    let image = Image {
        name,
        description,
        layers: vec![base(&program, &authorities)?, own(&program, &plugins)?],
    };
    let path = options.output.clone().unwrap_or_else(|| {
        let file = format!("tidegate-{version}-{}.tar", image.description.architecture);
        workspace.target.join("image").join(file)
    });
    let digest = step::timed("image", || write(&image, &path))?;
    step::note(&format!("{} {digest}", image.name));
    step::note(&format!(
        "load it with: docker load --input {0} (or kind load image-archive {0})",
        path.display()
    ));
    step::note(&format!("in the chart: {}", image.name.values()));
    step::result(&path.display().to_string());
    Ok(())
}

/// Writes the archive, all of it or nothing, and gives the digest of the image.
fn write(image: &Image, path: &Path) -> anyhow::Result<String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    // For others to read too, as what any program writes.
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    let digest = image.write(file.as_file_mut())?;
    file.persist(path)
        .with_context(|| path.display().to_string())?;
    Ok(digest)
}

fn build(workspace: &Workspace, profile: &str) -> anyhow::Result<PathBuf> {
    let mut command = workspace.cargo();
    command.args(["build", "--locked", "--package", "tidegate", "--bin"]);
    command.args(["tidegate", "--profile", profile]);
    step::run(&mut command)?;
    let folder = if profile == "dev" { "debug" } else { profile };
    workspace.program(folder, "tidegate")
}

/// What is the same for a long time: libraries, certificates, the user, folders.
fn base(program: &Path, authorities: &Path) -> anyhow::Result<Files> {
    let mut files = Files::default();
    for library in libraries::of(program)? {
        files.add_file(&library.at, &library.file, 0o755)?;
    }
    files.add_file(AUTHORITIES, authorities, 0o644)?;
    let passwd = format!(
        "root:x:0:0:root:/root:/sbin/nologin\ntidegate:x:{USER}:{USER}:tidegate:/:/sbin/nologin\n"
    );
    files.add_text("etc/passwd", &passwd)?;
    files.add_text("etc/group", &format!("root:x:0:\ntidegate:x:{USER}:\n"))?;
    files.add_text("etc/nsswitch.conf", "hosts: files dns\n")?;
    files.add_folder("tmp", 0o1777, 0)?;
    // Where the chart has a volume for artifacts.
    files.add_folder("data", 0o755, USER)?;
    Ok(files)
}

/// What every version has anew.
fn own(program: &Path, plugins: &Path) -> anyhow::Result<Files> {
    let mut files = Files::default();
    files.add_file(PROGRAM, program, 0o755)?;
    for entry in fs::read_dir(plugins).with_context(|| plugins.display().to_string())? {
        let path = entry?.path();
        // The components themselves are in the compiled code, and are not asked for.
        let is_read = path
            .extension()
            .is_some_and(|ending| ending == "cwasm" || ending == "json");
        if let Some(file) = path.file_name().and_then(|file| file.to_str())
            && is_read
        {
            files.add_file(&format!("{PLUGINS}/{file}"), &path, 0o644)?;
        }
    }
    Ok(files)
}

fn authorities(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let mut known = KNOWN_AUTHORITIES.iter().map(Path::new);
    let found = known.find(|path| path.is_file());
    found.map(Path::to_owned).with_context(|| {
        format!(
            "no certificates of authorities on this machine ({}): install them, or name a file with --ca-certificates",
            KNOWN_AUTHORITIES.join(", ")
        )
    })
}

/// What the image says of itself. Its time is that of the commit (`SOURCE_DATE_EPOCH` goes before), so that what is made
/// again of the same sources is the same.
fn describe(workspace: &Workspace, version: &str) -> anyhow::Result<Description> {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        let output = step::output(command.current_dir(&workspace.root).args(args));
        output.ok().map(|text| text.trim().to_owned())
    };
    let seconds = std::env::var("SOURCE_DATE_EPOCH")
        .ok()
        .or_else(|| git(&["log", "-1", "--format=%ct"]))
        .unwrap_or_else(|| "0".to_owned());
    let created = seconds.parse().ok().map(jiff::Timestamp::from_second);
    let created = created.with_context(|| format!("`{seconds}` is no time in seconds"))??;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let revision = git(&["rev-parse", "HEAD"]).map(|commit| {
        if changed.is_some_and(|changed| changed.is_empty()) {
            commit
        } else {
            format!("{commit}-changed")
        }
    });
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    ensure!(
        cfg!(target_os = "linux"),
        "images are made on Linux: they hold its C library"
    );
    Ok(Description {
        version: version.to_owned(),
        revision,
        created: created.to_string(),
        architecture: architecture.to_owned(),
    })
}
