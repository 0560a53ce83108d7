//! Words: which parts of a key make its value secret, which do not, and what stands where a secret would but is none.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words, looked up at once.
pub(super) type Words = LazyLock<HashSet<&'static str>>;

/// Parts that name a password, whole or within a longer word.
#[rustfmt::skip]
pub(super) const PASSWORDS: &[&str] = &[
    "password", "passwd", "passphrase", "passcode", "passwort", "kennwort", "contrasena", "contraseña", "motdepasse",
    "wachtwoord",
];

/// Whole words that name a password.
pub(super) static PASSWORD_WORDS: Words =
    LazyLock::new(|| "pwd pw psw psk pword senha requirepass masterauth rootpw".split(' ').collect());

/// Words that end in the name of a secret, written without a break.
#[rustfmt::skip]
pub(super) const COMPOUNDS: &[&str] = &[
    "apikey", "appkey", "secretkey", "accesskey", "privatekey", "authkey", "signingkey", "encryptionkey", "masterkey",
    "accountkey", "storagekey", "sharedkey", "presharedkey", "licensekey", "clientkey", "sessionkey", "clientsecret",
    "appsecret", "apisecret", "consumersecret", "sharedsecret", "webhooksecret", "jwtsecret", "tokensecret",
    "authtoken", "accesstoken", "apitoken", "refreshtoken", "sessiontoken", "bearertoken", "idtoken", "bottoken",
    "usertoken", "securitytoken", "sastoken", "dbpass", "userpass", "smtppass", "mailpass", "rootpass", "adminpass",
    "sqlpass", "redispass", "dbpwd", "pgpass", "storepass", "keypass", "ldappass", "ftppass", "mongopass", "rabbitpass",
];

/// What makes a `key` a secret, as the word before it.
pub(super) static SECRET_KEYS: Words = LazyLock::new(|| {
    "api secret private priv access signing sign encryption encrypt decryption crypt cipher master account storage \
     shared preshared auth authentication admin license licence client app application consumer subscription function \
     hmac aes rsa ssh tls ssl jwt session cookie root integration ingest ingestion write unseal recovery seal webhook \
     deploy symmetric instrumentation fernet token vault stripe openai anthropic sendgrid datadog newrelic twilio mailgun github \
     gitlab slack algolia pagerduty opsgenie honeycomb rollbar kek dek authorization restricted server wireguard csrf \
     hash"
        .split(' ')
        .collect()
});

/// What makes a `key` anything but a secret, as the word before it.
pub(super) static PLAIN_KEYS: Words = LazyLock::new(|| {
    "public pub publishable primary foreign partition sort cache lookup index object s3 row group label annotation \
     metric map range natural composite candidate kms event message routing dedup deduplication idempotency topology \
     config env registry translation i18n dict shard sharding taint toleration selector unknown missing duplicate \
     invalid existing known json yaml field tag"
        .split(' ')
        .collect()
});

/// What makes a `key` in a sentence one whose name or print is told rather than itself, as the word before it.
pub(super) static PUBLIC_BEFORE: Words =
    LazyLock::new(|| "rsa dsa ecdsa eddsa ed25519 ssh tls ssl gpg pgp client server host deploy root kms".split(' ').collect());

/// What makes a `token` a position or a count, as a word before it.
pub(super) static PLAIN_TOKENS: Words = LazyLock::new(|| {
    "max min num number total count input output prompt completion cached reasoning used remaining next page continue \
     continuation pagination paging cursor idempotency request unexpected lexer stop eos bos pad unk sep special \
     fencing resume watermark sync available syntax expected"
        .split(' ')
        .collect()
});

/// What makes a `secret` a credential of its own rather than the name of an object, as the word before it.
pub(super) static SECRET_SECRETS: Words = LazyLock::new(|| {
    "client app application jwt webhook shared api consumer oauth oauth2 oidc session cookie signing hmac token \
     access bot auth user encryption totp otp mfa hashed my the super admin csrf nextauth stripe github gitlab slack \
     sso saml radius turn s3 aws minio"
        .split(' ')
        .collect()
});

/// What is wrong with `credentials`, as the word before it.
pub(super) static WRONG: Words = LazyLock::new(|| "invalid bad wrong missing no incorrect unknown expired".split(' ').collect());

/// What makes a `secret` the name of an object, as a word before it.
pub(super) static PLAIN_SECRETS: Words =
    LazyLock::new(|| "existing pull create creates use generate name ref from no missing".split(' ').collect());

/// Words after the secret one that make the whole name something else: where it is, how long, whether at all.
pub(super) static PLAIN_AFTER: Words = LazyLock::new(|| {
    "name names ref refs reference references path paths file files filename dir directory mount volume volumes type \
     types kind class id ids policy policies expiration expiry expires expire expired ttl timeout lifetime duration \
     seconds minutes hours days length len size count counts limit limits rotation rotate rotated age version \
     versions url urls uri uris endpoint endpoints host issuer audience audiences store stores manager provider \
     providers backend engine namespace namespaces label labels annotation annotations template format encoding \
     algorithm alg method mode enabled disabled enable disable required request requests review reviews reset change \
     changed updated update created valid validation validator validity status state error errors prefix suffix field \
     fields column hint question prompt stdin usage used budget rate bucket service username user owner arn arns \
     alias cache check checks complexity source sources env var sha sha256 fingerprint checksum digest thumbprint \
     revision generation lookup auth authentication authenticator authn grant strategy scope scopes list min max \
     minimum maximum pair pairs spec vault ring space at on time date timestamp header param parameter attribute \
     claim claims kid keyid controller operator exchange projection leeway retries retry refresh interval period \
     threshold per selector exists set present missing attempts failures history encryption hashing hasher script \
     command cmd helper callback function key keys secret secrets configmap object resource resources index total \
     config settings options rules strength charset characters chars digits symbols generator is has was cleanup \
     syncer injector webhook agent through thru"
        .split(' ')
        .collect()
});

/// Words that make a longer name a place to look rather than a value, wherever they stand at its start.
pub(super) static PLAIN_BEFORE: Words = LazyLock::new(|| {
    "has is use uses using enable disable automount allow require requires show hide skip needs checksum".split(' ').collect()
});

/// What a value says instead of being a secret. None of these may be a likely password.
pub(super) static STATUS: Words = LazyLock::new(|| {
    "token true false yes no on off null none nil undefined n/a na empty unset set present absent missing required optional \
     invalid valid expired expires expiring expire incorrect wrong bad malformed mismatch mismatched denied rejected \
     accepted refused forbidden unauthorized unauthenticated unknown unsupported unavailable unexpected failed \
     failure failing fails error errors exception ok okay success succeeded done pending ready active inactive \
     enabled disabled revoked rotated rotating renewed refreshed refreshing created creating updated updating deleted \
     deleting changed unchanged loaded loading found not is are was were has have had be been must should shall can \
     cannot can't could couldn't may might will won't would do does doesn't don't did didn't isn't wasn't the a an \
     this that these those it its and or but if for from of to in into at by with without via as than then when while \
     because since after before until during per only also already still again never always too short long weak \
     strong length size type string str bytes byte int integer bool boolean object array map list number field value \
     values name key keys file path flag option argument parameter header cookie variable env environment user \
     username account service serviceaccount client server cluster namespace signature issuer audience claim claims \
     subject scope context deadline connection connect connecting request response timeout timed dial read reading \
     write writing open opening stat lstat lookup get getting post put patch fetch fetching http https rpc eof tls \
     x509 certificate permission access authentication authorization authenticated authorized anonymous please see \
     check use used using uses contains contain containing consists matches match needs need needed requires require \
     expected got received sent provided given specified supplied unable illegal duplicate exceeded exceeds exists \
     exist available verified verification validation validated verifying validating generated generating issued \
     issuing obtained obtaining acquired acquiring retrieved retrieving stored hidden masked redacted filtered \
     removed omitted sensitive encrypted decrypted hashed reset changes change update rotation rotate policy cannot: \
     however there nothing something any all some each every both either neither next last first previous new old \
     current same different other another at_least least minimum maximum managed mounted projected referenced \
     configured unconfigured here below above skip skipped skipping ignored ignoring retry retrying waiting backoff \
     try tried trying stale outdated missing. login logged internal external operation resource resources \
     secret-store rate quota throttled too-short blank bearer basic oauth oauth2 oidc jwt saml ldap iam kerberos \
     negotiate digest scram-sha-256 md5 webhook rbac node default-token todo tbd placeholder example your enter \
     choose repeat confirm forgot forgotten remember we you i he they out up down left remaining auto automatic \
     manual lease kubernetes external-secrets ssm kms none, sts eks aws upstream broken truncated parse parsing \
     decode decoding unmarshal json yaml base64 nonce kid alg incomplete ambiguous conflict conflicting locked \
     unlocked signed unsigned creation destroying destruction destroyed modifying modifications disallowed not-found notfound not_found no-op noop unspecified default"
        .split(' ')
        .collect()
});

/// Keys whose value names something, so that the secret stands under the key beside it.
pub(super) static NAME_KEYS: Words = LazyLock::new(|| {
    "name key field path variable var header parameter param setting option property parametername parameterkey env \
     id"
    .split(' ')
    .collect()
});

/// Keys of the value that belongs to a name.
pub(super) static VALUE_KEYS: Words = LazyLock::new(|| {
    "value values val content default defaultvalue current parametervalue stringvalue plaintext".split(' ').collect()
});
