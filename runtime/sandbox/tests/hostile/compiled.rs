//! 8: compiled code on disk that somebody changed, swapped or planted is compiled anew, never loaded.

use crate::harness::Harness;
use crate::suite::{BOUNDS, alone, config};
use crate::{component, neighbour};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tidegate_sandbox::{Call, CompiledCodeFolder, Sandbox, SandboxConfig, write_builtins};
use tidegate_values::Secret;

fn sandbox(folder: &Path, key: &str) -> Sandbox {
    let compiled = CompiledCodeFolder {
        folder: folder.to_owned(),
        key: Secret::new(key.as_bytes()),
    };
    Sandbox::new(SandboxConfig {
        compiled: Some(compiled),
        ..config()
    })
    .expect("sandbox")
}

/// Loads and runs `text`'s plugin in a sandbox of its own, as a new process would.
fn run(folder: &Path, key: &str, text: &str) {
    run_in(&sandbox(folder, key), text);
}

fn run_in(sandbox: &Sandbox, text: &str) {
    let plugin = sandbox.load(&component::good(text)).expect("it loads");
    let report = plugin.render(Call::default());
    assert_eq!(report.outcome, Ok(()));
    assert_eq!(report.emissions[0].bytes, text.as_bytes());
}

/// Loads and runs plugin `one` while others run.
fn attack(harness: &Harness, name: &str, folder: &Path) {
    let folder = folder.to_owned();
    harness.attack(name, BOUNDS, move || run(&folder, "key", "one"));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

#[test]
fn only_authentic_code_is_loaded() {
    let _alone = alone();
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("code");
    run(&folder, "key", "one");
    let [one] = files(&folder).try_into().expect("one file");
    assert_eq!(
        std::fs::metadata(&folder)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
    assert_eq!(
        std::fs::metadata(&one)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    let authentic = std::fs::read(&one).expect("code");

    // Left alone it is used, and not written again.
    let written = std::fs::metadata(&one)
        .expect("it is there")
        .modified()
        .expect("a time");
    run(&folder, "key", "one");
    assert_eq!(
        std::fs::metadata(&one)
            .expect("it is there")
            .modified()
            .expect("a time"),
        written
    );

    // The attacked one is a sandbox of its own, as after a restart; good plugins run in one that has the same folder.
    let other = sandbox(&folder, "key");
    let harness = neighbour::beside(&other);
    let repaired = |what: &str| {
        attack(&harness, what, &folder);
        assert!(
            !std::fs::symlink_metadata(&one)
                .expect("it is there")
                .is_symlink(),
            "{what}"
        );
        assert_eq!(
            std::fs::read(&one).expect("code").len(),
            authentic.len(),
            "{what}"
        );
    };
    for at in [0, 20, 60, authentic.len() / 2, authentic.len() - 1] {
        let mut flipped = authentic.clone();
        flipped[at] ^= 1;
        std::fs::write(&one, &flipped).expect("written");
        repaired("a flipped bit");
        assert_ne!(std::fs::read(&one).expect("code"), flipped);
    }
    for length in [0, 10, 40, authentic.len() - 1] {
        std::fs::write(&one, &authentic[..length]).expect("written");
        repaired("cut short");
    }

    // Code of another plugin, or made with another key, under this name.
    let before = files(&folder);
    run(&folder, "key", "two");
    let two = files(&folder)
        .into_iter()
        .find(|file| !before.contains(file))
        .expect("another file");
    std::fs::copy(&two, &one).expect("copied");
    repaired("swapped");
    let foreign = parent.path().join("foreign");
    run(&foreign, "other key", "one");
    std::fs::copy(&files(&foreign)[0], &one).expect("copied");
    repaired("another key");

    // Authentic, but made by another engine: what an older version left under this name.
    let builtins = parent.path().join("builtins");
    std::fs::create_dir(&builtins).expect("made");
    write_builtins(&builtins, &[("one".to_owned(), component::good("one"))]).expect("built-ins");
    let other = std::fs::read(builtins.join("one.cwasm")).expect("code");
    let name = one.file_name().expect("a name").to_string_lossy();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(b"key").expect("a key");
    mac.update(&(name.len() as u64).to_be_bytes());
    mac.update(name.as_bytes());
    mac.update(&other);
    let mut older = authentic[..16].to_vec();
    older.extend_from_slice(&mac.finalize().into_bytes());
    older.extend_from_slice(&other);
    std::fs::write(&one, &older).expect("written");
    repaired("of another engine");

    // A link to authentic code outside of the folder.
    let outside = parent.path().join("outside");
    std::fs::write(&outside, &authentic).expect("written");
    std::fs::remove_file(&one).expect("removed");
    std::os::unix::fs::symlink(&outside, &one).expect("linked");
    repaired("a link");
    assert_eq!(std::fs::read(&outside).expect("code"), authentic);
}

#[test]
fn a_folder_that_others_can_write_is_taken_back_and_a_link_refused() {
    let _alone = alone();
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("code");
    std::fs::create_dir(&folder).expect("made");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).expect("set");
    drop(sandbox(&folder, "key"));
    assert_eq!(
        std::fs::metadata(&folder)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777,
        0o700
    );

    let link = parent.path().join("link");
    std::os::unix::fs::symlink(&folder, &link).expect("linked");
    let compiled = CompiledCodeFolder {
        folder: link,
        key: Secret::new("key".as_bytes()),
    };
    let refused = Sandbox::new(SandboxConfig {
        compiled: Some(compiled),
        ..config()
    });
    assert_eq!(
        refused.err().map(|error| error.name()),
        Some("compiled_code")
    );
}
