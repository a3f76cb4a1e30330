//! An image of the debug build: what is in it, and whether it runs with nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tidegate_values::Digest;

use super::archive::{Description, Image};
use super::name::Name;
use super::{AUTHORITIES, PLUGINS, PROGRAM, USER, base, libraries, own, write};
use crate::step;

/// The files of an archive by path.
fn parts(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(fs::File::open(archive).unwrap());
    let mut parts = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        parts.insert(path, content);
    }
    parts
}

fn image(program: &Path, plugins: &Path, authorities: &Path) -> Image {
    Image {
        name: Name::parse("registry.example/team/tidegate:9", "1").unwrap(),
        description: Description {
            version: "1".to_owned(),
            revision: Some("abc".to_owned()),
            created: "2026-01-02T03:04:05Z".to_owned(),
            architecture: "amd64".to_owned(),
        },
        layers: vec![
            base(program, authorities).unwrap(),
            own(program, plugins).unwrap(),
        ],
    }
}

/// What a descriptor names, after its digest and size were compared.
fn part<'a>(parts: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
    let digest = descriptor["digest"].as_str().unwrap();
    let content = &parts[&format!("blobs/{}", digest.replace(':', "/"))];
    assert_eq!(Digest::of(content).to_string(), digest);
    assert_eq!(descriptor["size"], content.len());
    content
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// What image-spec and Docker want of it, and that it is the same when made again. The program is a small one.
#[test]
fn images_are_whole_and_made_again_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    file("plugins/plugins.json", "{}");
    file("plugins/stamp", "x");
    let authorities = file("ca.crt", "certificates");
    let made = |name: &str| {
        let path = folder.path().join(name);
        let digest = write(
            &image(Path::new("/bin/true"), &plugins, &authorities),
            &path,
        );
        (digest.unwrap(), path)
    };
    let (digest, path) = made("a.tar");
    let (again, other) = made("b.tar");
    assert_eq!(digest, again);
    assert_eq!(fs::read(&path).unwrap(), fs::read(other).unwrap());

    let parts = parts(&path);
    assert_eq!(json(&parts["oci-layout"])["imageLayoutVersion"], "1.0.0");
    let index = json(&parts["index.json"]);
    let entry = &index["manifests"][0];
    assert_eq!(entry["digest"], digest);
    assert_eq!(
        entry["annotations"]["io.containerd.image.name"],
        "registry.example/team/tidegate:9"
    );
    let manifest = json(part(&parts, entry));
    let config = json(part(&parts, &manifest["config"]));
    assert_eq!(config["config"]["User"], format!("{USER}:{USER}"));
    assert_eq!(config["config"]["Entrypoint"][0], format!("/{PROGRAM}"));
    let labels = &config["config"]["Labels"];
    assert_eq!(labels["org.opencontainers.image.revision"], "abc");
    let layers = manifest["layers"].as_array().unwrap();
    let mut found = Vec::new();
    for (layer, content) in layers
        .iter()
        .zip(config["rootfs"]["diff_ids"].as_array().unwrap())
    {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(part(&parts, layer))
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(Digest::of(&bytes).to_string(), *content);
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.header().mtime().unwrap(), 0);
            found.push(entry.path().unwrap().to_str().unwrap().to_owned());
        }
    }
    let plugin = format!("{PLUGINS}/plugins.json");
    for wanted in [PROGRAM, &plugin, AUTHORITIES, "tmp/", "data/", "etc/passwd"] {
        assert!(
            found.iter().any(|path| path == wanted),
            "{wanted}: {found:?}"
        );
    }
    assert!(!found.iter().any(|path| path.ends_with("stamp")));
    let docker = json(&parts["manifest.json"]);
    assert_eq!(docker[0]["RepoTags"][0], "registry.example/team/tidegate:9");
    assert!(parts.contains_key(docker[0]["Config"].as_str().unwrap()));
    assert_eq!(docker[0]["Layers"].as_array().unwrap().len(), layers.len());
}

/// Unpacks the layers as a container runtime does. Only root may give files to others.
fn unpack(archive: &Path, root: &Path, owners: bool) -> Value {
    let parts = parts(archive);
    let index = json(&parts["index.json"]);
    let manifest = json(part(&parts, &index["manifests"][0]));
    for layer in manifest["layers"].as_array().unwrap() {
        let content = flate2::read::GzDecoder::new(part(&parts, layer));
        let mut archive = tar::Archive::new(content);
        archive.set_preserve_ownerships(owners);
        archive.set_preserve_permissions(true);
        archive.unpack(root).unwrap();
    }
    json(part(&parts, &manifest["config"]))
}

/// Where the entry point runs.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Below the root alone, as the image's user. For root only.
    Image,
    /// On this machine, as whoever runs the tests, with the loader and the libraries of the image and no others.
    Machine,
}

/// Runs the entry point with the image's variables and no others.
fn enter(place: Place, root: &Path, config: &Value, arguments: &[&str]) -> String {
    let config = &config["config"];
    let program = config["Entrypoint"][0].as_str().unwrap();
    let mut command = if place == Place::Image {
        let mut command = Command::new("/usr/sbin/chroot");
        command.arg(format!("--userspec={}", config["User"].as_str().unwrap()));
        command.arg(root).arg(program);
        command.env_clear();
        command
    } else {
        loader(root, &root.join(&program[1..]), &[])
    };
    command.args(arguments);
    for variable in config["Env"].as_array().unwrap() {
        let (name, value) = variable.as_str().unwrap().split_once('=').unwrap();
        let below_root = root.join(value.trim_start_matches('/'));
        match place {
            Place::Machine if value.starts_with('/') => command.env(name, below_root),
            _ => command.env(name, value),
        };
    }
    step::output(&mut command).unwrap()
}

/// The image's own loader, told where the image's libraries are (ld.so(8)), to run `program`.
fn loader(root: &Path, program: &Path, options: &[&str]) -> Command {
    let libraries = libraries::of(program).unwrap();
    let inside = libraries.iter().map(|library| root.join(&library.at));
    let (loaders, others): (Vec<PathBuf>, Vec<PathBuf>) = inside.partition(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("ld-")
    });
    let folders: BTreeSet<&Path> = others.iter().map(|path| path.parent().unwrap()).collect();
    let mut command = Command::new(&loaders[0]);
    command.env_clear().arg("--inhibit-cache");
    command.arg("--library-path");
    command.arg(std::env::join_paths(folders).unwrap());
    command.args(options).arg(program);
    command
}

/// The loader takes nothing from the machine: all that the program names is in the image.
fn check_libraries(root: &Path) {
    let listed = step::output(&mut loader(root, &root.join(PROGRAM), &["--list"])).unwrap();
    let root = root.to_str().unwrap();
    for line in listed.lines().map(str::trim) {
        let from = line.split(" => ").last().unwrap();
        // What the kernel maps has no path.
        let is_inside = from.starts_with(root) || !from.starts_with('/');
        assert!(is_inside, "{line}");
    }
    assert!(listed.contains("libc.so"), "{listed}");
}

/// The debug build with the real plugins, where nothing else is.
#[test]
fn the_program_runs_in_its_image() {
    // Chroot, and files of other users, are for root alone.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let program = tidegate_testkit::tidegate::binary().unwrap();
    let plugins = std::env::var_os("TIDEGATE_PLUGINS_DIR").map_or_else(
        || program.ancestors().nth(2).unwrap().join("plugins/built"),
        PathBuf::from,
    );
    let folder = tempfile::tempdir().unwrap();
    let authorities = folder.path().join("ca.crt");
    fs::write(&authorities, "").unwrap();
    let archive = folder.path().join("image.tar");
    write(&image(&program, &plugins, &authorities), &archive).unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let config = unpack(&archive, &root, is_root);
    fs::remove_file(&archive).unwrap();

    check_libraries(&root);
    let base = root.join("data/base");
    fs::create_dir(&base).unwrap();
    let kustomization = "namePrefix: my-\nresources: [map.yaml]\n";
    fs::write(base.join("kustomization.yaml"), kustomization).unwrap();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map\n";
    fs::write(base.join("map.yaml"), map).unwrap();
    let mut places = vec![(Place::Machine, base.to_str().unwrap())];
    if is_root {
        places.push((Place::Image, "/data/base"));
    }
    for (place, base) in places {
        let version = enter(place, &root, &config, &["--version"]);
        assert!(version.starts_with("tidegate "), "{version}");
        let built = enter(place, &root, &config, &["kustomize", base]);
        assert_eq!(built, map.replace("name: map", "name: my-map"));
    }
    let data = fs::metadata(root.join("data")).unwrap();
    assert_eq!(data.mode() & 0o777, 0o755);
    if is_root {
        assert_eq!(data.uid(), USER);
    }
    assert_eq!(
        fs::metadata(root.join("tmp")).unwrap().mode() & 0o7777,
        0o1777
    );
}
