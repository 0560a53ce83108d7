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
    let issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC";
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
        assert_eq!(mismatch(&trust, issuer, sub).is_some(), words.is_some(), "{trust}");
        if let Some(words) = words {
            assert!(mismatch(&trust, issuer, sub).unwrap().contains(words), "{trust}");
        }
    }
    let mut facts = world(json!([]), json!({ANNOTATION: ARN}), DENIED);
    let role = |arn: &str, trust: Value| {
        Object::new(json!({"kind": "IamRole", "metadata": {"name": "shop"}, "arn": arn, "trust": trust}))
    };
    facts.aws = vec![role(ARN, policy(right, "StringEquals", "system:serviceaccount:web:default", aud))];
    assert_eq!(found(&facts), ["irsa-trust-policy"]);
    facts.aws = vec![role(ARN, policy(right, "StringEquals", sub, aud))];
    assert!(found(&facts).is_empty());
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
