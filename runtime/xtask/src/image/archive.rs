//! OCI's image layout (image-spec, `image-layout.md`) as one archive, with the `manifest.json` that Docker reads.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::GzBuilder;
use serde_json::{Value, json};
use tidegate_values::Digest;

use super::files::{Files, header};
use super::name::Name;
use super::{PLUGINS, PROGRAM, USER};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What the image says of itself.
pub(super) struct Description {
    pub(super) version: String,
    /// The commit that it was made of.
    pub(super) revision: Option<String>,
    /// RFC 3339.
    pub(super) created: String,
    /// As Go names it.
    pub(super) architecture: String,
}

pub(super) struct Image {
    pub(super) name: Name,
    pub(super) description: Description,
    pub(super) layers: Vec<Files>,
}

/// The parts of an image by the digest of each.
#[derive(Default)]
struct Blobs(BTreeMap<String, Vec<u8>>);

impl Blobs {
    /// Keeps `content` and gives what others name it by.
    fn add(&mut self, media_type: &str, content: Vec<u8>) -> Value {
        let digest = Digest::of(&content);
        let descriptor = json!({
            "mediaType": media_type,
            "digest": digest.to_string(),
            "size": content.len(),
        });
        self.0.insert(path(&digest.to_string()), content);
        descriptor
    }
}

/// Where a part lies in the layout.
fn path(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

fn path_of(descriptor: &Value) -> String {
    path(descriptor["digest"].as_str().unwrap_or_default())
}

impl Image {
    /// Writes the archive and gives the digest of the image's manifest. Equal input gives equal bytes.
    pub(super) fn write(&self, out: impl Write) -> anyhow::Result<String> {
        let mut blobs = Blobs::default();
        let mut contents = Vec::new();
        let mut layers = Vec::new();
        for files in &self.layers {
            let archive = files.archive()?;
            contents.push(Digest::of(&archive).to_string());
            let mut gzip = GzBuilder::new()
                .mtime(0)
                .write(Vec::new(), Compression::default());
            gzip.write_all(&archive)?;
            layers.push(blobs.add(LAYER, gzip.finish()?));
        }
        let config = blobs.add(CONFIG, serde_json::to_vec(&self.config(&contents))?);
        let docker = json!([{
            "Config": path_of(&config),
            "RepoTags": [self.name.to_string()],
            "Layers": layers.iter().map(path_of).collect::<Vec<_>>(),
        }]);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": layers,
            "annotations": self.labels(),
        });
        let mut manifest = blobs.add(MANIFEST, serde_json::to_vec(&manifest)?);
        let digest = manifest["digest"].as_str().unwrap_or_default().to_owned();
        manifest["platform"] = json!({
            "architecture": self.description.architecture,
            "os": "linux",
        });
        manifest["annotations"] = json!({
            "io.containerd.image.name": self.name.full(),
            "org.opencontainers.image.ref.name": self.name.tag(),
        });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [manifest],
        });
        let mut archive = tar::Builder::new(out);
        let layout = json!({"imageLayoutVersion": "1.0.0"});
        for (path, value) in [
            ("oci-layout", &layout),
            ("index.json", &index),
            ("manifest.json", &docker),
        ] {
            append(&mut archive, path, &serde_json::to_vec(value)?)?;
        }
        for (path, content) in &blobs.0 {
            append(&mut archive, path, content)?;
        }
        archive.into_inner()?.flush()?;
        Ok(digest)
    }

    fn config(&self, contents: &[String]) -> Value {
        let created = &self.description.created;
        let history = ["libraries, certificates, user", "tidegate and its plugins"];
        let history: Vec<Value> = history
            .iter()
            .map(|what| json!({"created": created, "created_by": "cargo xtask image", "comment": what}))
            .collect();
        json!({
            "created": created,
            "architecture": self.description.architecture,
            "os": "linux",
            "config": {
                "User": format!("{USER}:{USER}"),
                "ExposedPorts": {"8080/tcp": {}, "9090/tcp": {}, "9440/tcp": {}},
                "Env": [
                    "PATH=/usr/local/bin",
                    format!("TIDEGATE_PLUGINS_DIR=/{PLUGINS}"),
                ],
                "Entrypoint": [format!("/{PROGRAM}")],
                "Cmd": ["run"],
                "WorkingDir": "/",
                "Labels": self.labels(),
            },
            "rootfs": {"type": "layers", "diff_ids": contents},
            "history": history,
        })
    }

    /// image-spec, `annotations.md`.
    fn labels(&self) -> Value {
        let mut labels = json!({
            "org.opencontainers.image.title": "tidegate",
            "org.opencontainers.image.description":
                "Keeps clusters as Git says, through sandboxed plugins; reads Flux's objects as they are.",
            "org.opencontainers.image.licenses": "Apache-2.0",
            "org.opencontainers.image.version": self.description.version,
            "org.opencontainers.image.created": self.description.created,
        });
        if let Some(revision) = &self.description.revision {
            labels["org.opencontainers.image.revision"] = json!(revision);
        }
        labels
    }
}

fn append(
    archive: &mut tar::Builder<impl Write>,
    path: &str,
    content: &[u8],
) -> std::io::Result<()> {
    let mut header = header(tar::EntryType::Regular, 0o644, 0, content.len() as u64);
    archive.append_data(&mut header, path, content)
}
