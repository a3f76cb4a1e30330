//! Secrets that SOPS encrypted are shown without what it made of their values (fluxcd/flux2, internal/build,
//! `maskSopsData`).

use anyhow::Context as _;
use anyhow::anyhow;
use base64::DecodeError;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use base64::engine::general_purpose::STANDARD;
use tidegate_yaml::Map;
use tidegate_yaml::Value;

const MASK: &str = "**SOPS**";
/// What stands for a registry's credentials: it has to be JSON.
const REGISTRY_MASK: &str = r#"{"mask":"**SOPS**"}"#;

/// Go's decoder does not mind bits that say nothing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Masks `object` if it is a Secret: all of it when it was encrypted as a whole, else the values that hold encrypted
/// files.
pub(super) fn mask(object: &mut Value) -> anyhow::Result<()> {
    let Value::Map(secret) = object else {
        return Ok(());
    };
    if secret.get("kind").and_then(Value::as_str) != Some("Secret") {
        return Ok(());
    }
    let name = secret
        .get("metadata")
        .and_then(|metadata| metadata.get("name")?.as_str())
        .unwrap_or_default()
        .to_owned();
    mask_secret(secret).with_context(|| format!("failed to mask secret {name} sops data"))?;
    // What is left empty is left out.
    if matches!(secret.get("data"), Some(Value::Map(data)) if data.is_empty()) {
        secret.remove("data");
    }
    Ok(())
}

fn mask_secret(secret: &mut Map) -> anyhow::Result<()> {
    if is_encrypted(secret) {
        secret.remove("sops");
        let is_registry =
            secret.get("type").and_then(Value::as_str) == Some("kubernetes.io/dockerconfigjson");
        let mask = if is_registry { REGISTRY_MASK } else { MASK };
        for value in values(secret, "data") {
            *value = Value::String(STANDARD.encode(mask));
        }
        for value in values(secret, "stringData") {
            *value = Value::String(mask.to_owned());
        }
        return Ok(());
    }
    let mask = STANDARD.encode(MASK);
    for value in values(secret, "data") {
        let Value::String(text) = value else { continue };
        if holds_encrypted_file(&decode(text)?) {
            text.clone_from(&mask);
        }
    }
    for value in values(secret, "stringData") {
        if let Value::String(text) = value
            && holds_encrypted_file(text.as_bytes())
        {
            text.clone_from(&mask);
        }
    }
    Ok(())
}

/// Go's `base64.StdEncoding.DecodeString`, which passes over line breaks.
fn decode(text: &str) -> anyhow::Result<Vec<u8>> {
    let packed: String = text
        .chars()
        .filter(|character| !matches!(character, '\n' | '\r'))
        .collect();
    LENIENT.decode(&packed).map_err(|error| {
        let offset = match error {
            DecodeError::InvalidByte(offset, _) | DecodeError::InvalidLastSymbol(offset, _) => {
                offset
            }
            DecodeError::InvalidLength(length) => length - length % 4,
            DecodeError::InvalidPadding => packed.len(),
        };
        anyhow!("illegal base64 data at input byte {offset}")
    })
}

/// Whether SOPS encrypted the manifest: it leaves a record of itself with a checksum.
fn is_encrypted(secret: &Map) -> bool {
    let checksum = secret
        .get("sops")
        .and_then(|record| record.get("mac")?.as_str());
    checksum.is_some_and(|checksum| checksum.starts_with("ENC["))
}

fn holds_encrypted_file(content: &[u8]) -> bool {
    let has = |part: &[u8]| content.windows(part.len()).any(|window| window == part);
    has(b"sops") && has(b"ENC[")
}

fn values<'s>(secret: &'s mut Map, field: &str) -> impl Iterator<Item = &'s mut Value> {
    let map = match secret.get_mut(field) {
        Some(Value::Map(map)) => Some(map),
        _ => None,
    };
    map.into_iter().flat_map(|map| map.values_mut())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> anyhow::Result<String> {
        let mut value = tidegate_yaml::parse_v2(text.as_bytes()).unwrap();
        mask(&mut value).map(|()| tidegate_yaml::emit_v2(&value))
    }

    #[test]
    fn only_secrets_are_masked() {
        let text = "kind: ConfigMap\nsops:\n  mac: ENC[x]\n";
        assert_eq!(masked(text).unwrap(), text);
    }

    #[test]
    fn what_is_no_base64_is_an_error() {
        let error = masked("kind: Secret\nmetadata: {name: a}\ndata: {b: '!'}\n").unwrap_err();
        assert!(error.to_string().starts_with("failed to mask secret a"));
    }

    #[test]
    fn an_encrypted_file_among_others_is_masked() {
        let encrypted = STANDARD.encode("sops: {mac: ENC[x]}");
        let text = format!("data:\n  a: {encrypted}\n  b: Yg==\nkind: Secret\n");
        let expected = format!(
            "data:\n  a: {}\n  b: Yg==\nkind: Secret\n",
            STANDARD.encode(MASK)
        );
        assert_eq!(masked(&text).unwrap(), expected);
    }
}
