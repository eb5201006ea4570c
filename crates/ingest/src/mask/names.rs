//! Names under which people and programs keep credentials.
//!
//! A name is taken apart into words, and the last word decides first: `DB_PASSWORD` holds a
//! password, `DB_PASSWORD_FILE` a path, `token-ttl` a duration, `tokenSecretRef` a name. Wrong
//! guesses cost evidence on one side and a leak on the other, hence the two strengths below.

/// Last words that say that the value is about a credential, not one.
const ABOUT: &[&str] = &[
    "name",
    "names",
    "ref",
    "refs",
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "dir",
    "id",
    "ids",
    "type",
    "kind",
    "ttl",
    "seconds",
    "secs",
    "expiration",
    "expiry",
    "expires",
    "expire",
    "url",
    "uri",
    "urls",
    "endpoint",
    "enabled",
    "enable",
    "disabled",
    "namespace",
    "mount",
    "policy",
    "length",
    "version",
    "provider",
    "class",
    "mode",
    "count",
    "size",
    "age",
    "audience",
    "audiences",
    "issuer",
    "period",
    "timeout",
    "rotation",
    "field",
    "prefix",
    "suffix",
    "max",
    "min",
    "number",
    "location",
    "host",
    "port",
    "user",
    "username",
    "review",
    "reviews",
    "request",
    "requests",
    "controller",
    "manager",
    "signer",
    "store",
    "projection",
    "hash",
    "algorithm",
    "format",
    "duration",
    "interval",
    "owner",
    "role",
    "groups",
    "group",
    "auth",
    "authentication",
    "authenticator",
    "required",
    "reset",
    "page",
    "tests",
    "test",
];

/// Words that name a credential wherever they stand in a name.
const ANYWHERE: &[&str] = &["password", "passwd", "passphrase", "passwort"];

/// Endings (of the words put together) of the name of a credential.
const ENDINGS: &[&str] = &[
    "pwd",
    "token",
    "tokens",
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "authkey",
    "sharedkey",
    "accountkey",
    "storagekey",
    "licensekey",
    "sessionkey",
    "hmackey",
    "keydata",
    "credential",
    "credentials",
    "connectionstring",
    "dockerconfigjson",
    "dockercfg",
    "kubeconfig",
    "cookie",
    "jwt",
    "dsn",
    "pat",
    "webhookurl",
];

/// Endings that are a credential even as a field of any Kubernetes object, where `secret` and
/// `tokens` are names and lists.
const FIELD_ENDINGS: &[&str] = &[
    "apikey",
    "privatekey",
    "clientsecret",
    "authtoken",
    "bearertoken",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "identitytoken",
    "registrytoken",
    "sessiontoken",
    "secretaccesskey",
    "connectionstring",
    "dockerconfigjson",
    "tokensecret",
    "apitoken",
];

/// Headers that carry credentials.
const HEADERS: &[&str] = &["authorization", "proxyauthorization", "cookie", "setcookie"];

/// Whether an environment variable, a flag, a key of a config map or of a query names a
/// credential.
pub(crate) fn is_credential_name(name: &str) -> bool {
    if !may_be_credential(name) {
        return false;
    }
    let words = words(name);
    let Some(last) = words.last() else { return false };
    if ABOUT.contains(&last.as_str()) {
        return false;
    }
    if words.iter().any(|word| ANYWHERE.iter().any(|hit| word.contains(hit))) {
        return true;
    }
    let joined = words.concat();
    last == "pass" || last == "pw" || ENDINGS.iter().any(|ending| joined.ends_with(ending))
}

/// Whether a field of any object holds a credential by its name.
pub(crate) fn is_credential_field(name: &str) -> bool {
    if !may_be_credential(name) {
        return false;
    }
    let words = words(name);
    let Some(last) = words.last() else { return false };
    if ABOUT.contains(&last.as_str()) {
        return false;
    }
    let joined = words.concat();
    words.iter().any(|word| ANYWHERE.iter().any(|hit| word.contains(hit)))
        || joined == "token"
        || FIELD_ENDINGS.iter().any(|ending| joined.ends_with(ending))
}

/// Whether prose may use the name too (`token: expired`), so that more must be seen before its
/// value is taken for a credential.
pub(crate) fn is_weak(name: &str) -> bool {
    let words = words(name);
    words.len() == 1
        && words.iter().all(|word| {
            matches!(
                word.as_str(),
                "token" | "tokens" | "secret" | "credential" | "credentials" | "cookie"
            )
        })
}

/// Whether it is a header that carries a credential.
pub(crate) fn is_header(name: &str) -> bool {
    HEADERS.contains(&words(name).concat().as_str())
}

/// How the words that matter begin.
const BEGINNINGS: [u32; 14] = [
    three(*b"pas"),
    three(*b"pat"),
    three(*b"tok"),
    three(*b"sec"),
    three(*b"key"),
    three(*b"cre"),
    three(*b"coo"),
    three(*b"str"),
    three(*b"doc"),
    three(*b"kub"),
    three(*b"hoo"),
    three(*b"pwd"),
    three(*b"jwt"),
    three(*b"dsn"),
];

const fn three([a, b, c]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, a, b, c])
}

/// Whether a word that matters may begin anywhere in a name: three letters in one number, so that a
/// name is told innocent without taking it apart.
fn may_be_credential(name: &str) -> bool {
    let mut last = 0u32;
    name.bytes().any(|byte| {
        last = (last << 8 | u32::from(byte | 0x20)) & 0x00FF_FFFF;
        BEGINNINGS.contains(&last) || last & 0xFFFF == u32::from(u16::from_be_bytes(*b"pw"))
    })
}

/// Words of a name in lower case: split at anything that is no letter or digit, and at humps.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    for c in name.chars().take(200) {
        let hump =
            c.is_ascii_uppercase() && (previous.is_ascii_lowercase() || previous.is_ascii_digit());
        if c.is_alphanumeric() {
            if hump || !previous.is_alphanumeric() || words.is_empty() {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        previous = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "dbPassword",
            "MYSQL_ROOT_PASSWORD",
            "PGPASSWORD",
            "REDIS_PASS",
            "token",
            "GITHUB_TOKEN",
            "access_token",
            "clientSecret",
            "AWS_SECRET_ACCESS_KEY",
            "api-key",
            "apiKey",
            "API_KEY",
            "X-Auth-Token",
            "private_key",
            ".dockerconfigjson",
            "db.pwd",
            "client-key-data",
            "JWT",
            "spring.datasource.password",
            "password1",
            "STRIPE_SECRET_KEY",
        ] {
            assert!(is_credential_name(name), "{name}");
        }
    }

    #[test]
    fn names_about_credentials() {
        for name in [
            "",
            "name",
            "DB_PASSWORD_FILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "secretName",
            "token-ttl",
            "tokenExpirationSeconds",
            "AWS_ACCESS_KEY_ID",
            "serviceAccountName",
            "passwordSecretRef",
            "PATH",
            "HOSTNAME",
            "compass",
            "bypass",
            "keyboard",
            "tokenAuth",
            "metadata.name",
        ] {
            assert!(!is_credential_name(name), "{name}");
        }
    }

    #[test]
    fn fields_of_objects_are_judged_more_strictly() {
        for name in ["token", "password", "adminPassword", "apiKey", "clientSecret"] {
            assert!(is_credential_field(name), "{name}");
        }
        for name in ["secret", "secrets", "secretName", "tokens", "key", "keys", "secretKey"] {
            assert!(!is_credential_field(name), "{name}");
        }
    }
}
