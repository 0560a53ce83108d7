use super::super::fixtures::*;
use super::*;
use serde_json::json;

const ARN: &str = "arn:aws:iam::111122223333:role/app/shop";
const DENIED: &str = "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity";
const NO_CREDENTIALS: &str = "botocore.exceptions.NoCredentialsError: Unable to locate credentials";
const NODE: &str = "User: arn:aws:sts::111122223333:assumed-role/eks-nodes/i-0abc is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::data/x";

fn world(env: Value, annotations: Value, line: &str) -> Facts {
    let mut facts = with_log(crashed(json!({ "env": env }), 1, "Error", ""), &format!("start\n{line}\n"));
    facts.service_account = Some(Object::new(
        json!({"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop", "annotations": annotations}}),
    ));
    facts.associations = Some(vec![]);
    facts
}

fn found(facts: &Facts) -> Vec<&'static str> {
    RULES.iter().flat_map(|it| (it.check)(facts)).map(|it| it.id).collect()
}

#[test]
fn a_role_that_the_pod_did_not_get_is_told() {
    let token = json!([{"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/secrets/token"}]);
    assert_eq!(found(&world(json!([]), json!({ANNOTATION: ARN}), NO_CREDENTIALS)), ["irsa-not-injected"]);
    assert!(found(&world(token, json!({ANNOTATION: ARN}), NO_CREDENTIALS)).is_empty());
    assert!(found(&world(json!([]), json!({}), NO_CREDENTIALS)).is_empty());
    let mut skipped = world(json!([]), json!({ANNOTATION: ARN}), NO_CREDENTIALS);
    let mut pod = skipped.pod.value().clone();
    pod["metadata"]["annotations"] = json!({SKIP: "sidecar, main"});
    skipped.pod = Object::new(pod);
    assert!(finding(&skipped, "irsa-not-injected").summary.contains("leaves it out"));
}

#[test]
fn a_pod_that_calls_aws_as_its_node_is_told_with_the_account_that_may_be_meant() {
    let mut facts = world(json!([]), json!({}), NODE);
    assert_eq!(found(&facts), ["irsa-sa-not-annotated"]);
    facts.related = vec![Object::new(
        json!({"kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": "shop", "annotations": {ANNOTATION: ARN}}}),
    )];
    assert!(finding(&facts, "irsa-sa-not-annotated").summary.contains("`reader` of the namespace has one"));
    let own = NODE.replace("eks-nodes/i-0abc", "shop/botocore-session-1");
    assert!(found(&world(json!([]), json!({}), &own)).is_empty(), "that is a role of its own");
}

#[test]
fn a_trust_policy_is_read_as_iam_reads_it() {
    let policy = |provider: &str, operator: &str, sub: &str, aud: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!("arn:aws:iam::111122223333:oidc-provider/{provider}")},
            "Condition": {operator: {format!("{provider}:sub"): sub, format!("{provider}:aud"): aud}}}]})
    };
    let right = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    let (sub, aud) = ("system:serviceaccount:shop:default", "sts.amazonaws.com");
    for (trust, words) in [
        (policy(right, "StringEquals", sub, aud), None),
        (policy(right, "StringLike", "system:serviceaccount:shop:*", aud), None),
        (policy(right, "StringEquals", "system:serviceaccount:shop:*", aud), Some("StringEquals takes `*` literally")),
        (
            policy(right, "StringEquals", "system:serviceaccount:shop:web", aud),
            Some("its `sub` is `system:serviceaccount:shop:web`"),
        ),
        (policy(right, "StringEquals", sub, "other"), Some("its `aud` is not")),
        (
            policy("oidc.eks.eu-west-1.amazonaws.com/id/XYZ", "StringEquals", sub, aud),
            Some("not the OIDC provider of this cluster"),
        ),
        (
            json!({"Statement": {"Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}}),
            Some("no statement allows"),
        ),
    ] {
        let token = Token { issuer: right, subject: sub, audience: aud };
        match (judge(&trust, &token), words) {
            (Verdict::Admits, None) => {}
            (Verdict::KeepsOut { why, told }, Some(words)) => {
                assert!(why.contains(words), "{why}: {trust}");
                let role = Object::new(json!({"kind": "IamRole", "trust": trust}));
                assert!(!told.is_empty() && told.iter().all(|(path, value)| at(&role, path) == *value), "{told:?}");
            }
            (verdict, _) => panic!("{verdict:?}: {trust}"),
        }
        let unknown = Token { issuer: "", subject: sub, audience: aud };
        assert_ne!(judge(&trust, &unknown), Verdict::Admits, "the provider was not compared");
    }
    let mut facts = world(json!([]), json!({ANNOTATION: ARN}), DENIED);
    let role = |arn: &str, trust: Value| {
        Object::new(json!({"kind": "IamRole", "metadata": {"name": "shop"}, "arn": arn, "trust": trust}))
    };
    facts.aws = vec![role(ARN, policy(right, "StringEquals", "system:serviceaccount:web:default", aud))];
    assert_eq!(found(&facts), ["irsa-trust-policy"]);
    let told = finding(&facts, "irsa-trust-policy");
    let quoted =
        told.evidence.iter().find(|it| it.object == "IamRole/shop" && it.field.starts_with("trust.Statement[0].Condition"));
    assert_eq!(quoted.unwrap().value, "system:serviceaccount:web:default");
    facts.aws = vec![role(ARN, policy(right, "StringEquals", sub, aud))];
    assert!(found(&facts).is_empty(), "the provider of the cluster is not known");
    facts.aws = vec![role("arn:aws:iam::111122223333:role/shop", policy(right, "StringEquals", sub, aud))];
    assert_eq!(found(&facts), ["irsa-bad-role-arn"]);
    facts.aws = vec![Object::new(json!({"kind": "IamRole", "metadata": {"name": "shop"}, "exists": false}))];
    assert!(finding(&facts, "irsa-bad-role-arn").summary.contains("the account has no role `shop`"));
}

#[test]
fn wildcards_match_as_in_iam() {
    for (pattern, value, fits) in [
        ("a*c", "abbc", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*", "", true),
        ("a*", "b", false),
        ("*:x", "a:b:x", true),
        ("", "a", false),
    ] {
        assert_eq!(wildcard(pattern, value), fits, "{pattern} {value}");
    }
}

/// What stands at a path as it is told: `a.b[0]['c']`.
fn at(object: &Object, path: &str) -> String {
    let mut value = object.value();
    for part in path.replace("['", "\u{0}").replace("']", "\u{0}").split('\u{0}').enumerate() {
        match part {
            (index, key) if index % 2 == 1 => value = &value[key],
            (_, rest) => {
                for step in rest.split(['.', '[', ']']).filter(|it| !it.is_empty()) {
                    value = step.parse::<usize>().map_or_else(|_| &value[step], |index| &value[index]);
                }
            }
        }
    }
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn statements_deny_and_name_actions_with_wildcards() {
    let provider = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    let token = Token { issuer: provider, subject: "system:serviceaccount:shop:default", audience: "sts.amazonaws.com" };
    let statement = |effect: &str, action: Value, condition: Value| {
        json!({"Effect": effect, "Action": action, "Condition": condition,
            "Principal": {"Federated": format!("arn:aws:iam::111122223333:oidc-provider/{provider}")}})
    };
    let sub = |operator: &str, value: Value| json!({operator: {format!("{provider}:sub"): value}});
    let own = || sub("StringEquals", json!(token.subject));
    let allow = |action: Value| statement("Allow", action, own());
    let admits = |all: Value| judge(&json!({ "Statement": all }), &token) == Verdict::Admits;
    let keeps = |all: Value| matches!(judge(&json!({ "Statement": all }), &token), Verdict::KeepsOut { .. });
    for action in ["sts:AssumeRole*", "sts:assumerolewithwebidentity", "sts:*", "*"] {
        assert!(admits(json!([allow(json!([action]))])), "{action}");
    }
    assert!(keeps(json!([allow(json!("sts:AssumeRole"))])));
    assert!(keeps(json!([statement("Deny", json!("sts:*"), own())])), "nothing allows it");
    assert!(keeps(json!([allow(json!("sts:*")), statement("Deny", json!("sts:*"), own())])));
    let other = sub("StringEquals", json!("system:serviceaccount:web:default"));
    assert!(admits(json!([allow(json!("sts:*")), statement("Deny", json!("sts:*"), other)])), "that denies another");
    let all_but = |value: &str| statement("Deny", json!("*"), sub("StringNotLike", json!(value)));
    assert!(admits(json!([allow(json!("sts:*")), all_but("system:serviceaccount:shop:*")])));
    assert!(keeps(json!([allow(json!("sts:*")), all_but("system:serviceaccount:web:*")])));
    assert!(admits(json!([statement("Allow", json!("sts:*"), sub("StringEquals", json!(["x", token.subject])))])));
    let elsewhere = json!({"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/XYZ:sub": token.subject}});
    assert!(keeps(json!([statement("Allow", json!("sts:*"), elsewhere)])), "a claim of another provider");
    let by_address = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    assert_eq!(judge(&json!({"Statement": statement("Allow", json!("sts:*"), by_address)}), &token), Verdict::Unclear);
}

#[test]
fn a_policy_that_fits_is_not_blamed_for_the_denial() {
    let provider = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    let world = |account: &str| {
        let mut facts = world(json!([]), json!({ANNOTATION: ARN}), DENIED);
        let trust = json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!("arn:aws:iam::111122223333:oidc-provider/{provider}")},
            "Condition": {"StringEquals": {format!("{provider}:sub"): format!("system:serviceaccount:shop:{account}")}}}]});
        facts.aws = vec![
            Object::new(json!({"kind": "IamRole", "metadata": {"name": "shop"}, "arn": ARN, "trust": trust})),
            Object::new(json!({"kind": "Cluster", "metadata": {"name": "c1"}, "oidc_issuer": format!("https://{provider}")})),
        ];
        crate::diagnose::engine::diagnose(&facts)
    };
    let told = world("default");
    assert_ne!(told.root_cause.as_ref().map(|it| it.id.as_str()), Some("irsa-trust-policy"), "{told:#?}");
    let why = told.ruled_out.iter().find(|it| it.id == "irsa-trust-policy").unwrap();
    assert!(why.why.contains("no IAM OIDC provider"), "{}", why.why);
    assert!(!told.contributing.iter().any(|it| it.id == "irsa-trust-policy"));
    let told = world("web");
    assert_eq!(told.root_cause.unwrap().id, "irsa-trust-policy");
    assert!(told.evidence.iter().any(|it| it.value == "system:serviceaccount:shop:web"), "{:#?}", told.evidence);
}
