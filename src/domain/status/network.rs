//! What is reached over the network, and budgets for how much of it may be away.

use jiff::Timestamp;

use super::Health;
use super::detail::why;
use super::workload::number;
use crate::domain::object::{Object, Part};

/// A load balancer is made within this many seconds; one that takes longer is waited for in vain.
const BALANCING: i64 = 300;

type Row = (Vec<String>, Health);

/// The health of what waits for an address.
fn addressed(object: &Object, now: Timestamp, what: &str) -> Health {
    let age = object.created().map_or(i64::MAX, |it| now.as_second() - it.as_second());
    let has_address = object.parts("status.loadBalancer.ingress").len() > 0;
    if has_address || age <= BALANCING { Health::Healthy } else { Health::Degraded(what.to_owned()) }
}

pub(super) fn service(object: &Object, now: Timestamp) -> Row {
    let ports = object.list("spec.ports").map(|it| {
        let port = it.integer("port").unwrap_or_default();
        format!("{port}/{}", if it.text("protocol").is_empty() { "TCP" } else { it.text("protocol") })
    });
    let kind = object.text("spec.type");
    let cells = vec![kind.to_owned(), object.text("spec.clusterIP").to_owned(), ports.collect::<Vec<_>>().join(",")];
    let balanced = kind == "LoadBalancer";
    (cells, if balanced { addressed(object, now, "no address of a load balancer") } else { Health::Healthy })
}

pub(super) fn ingress(object: &Object, now: Timestamp) -> Row {
    let hosts: Vec<String> = object.list("spec.rules").map(|it| it.text("host").to_owned()).filter(|it| !it.is_empty()).collect();
    let address = object.list("status.loadBalancer.ingress").map(|it| format!("{}{}", it.text("hostname"), it.text("ip")));
    let cells = vec![object.text("spec.ingressClassName").to_owned(), hosts.join(","), address.collect::<Vec<_>>().join(",")];
    (cells, addressed(object, now, "no address"))
}

pub(super) fn endpoint_slice(object: &Object) -> Row {
    let (mut ready, mut not_ready) = (0, 0);
    for endpoint in object.list("endpoints") {
        // Absent means ready.
        if endpoint.boolean("conditions.ready").unwrap_or(true) { ready += 1 } else { not_ready += 1 }
    }
    let health = if ready == 0 && not_ready > 0 { Health::Failing("no ready endpoint".to_owned()) } else { Health::Healthy };
    (vec![ready.to_string(), not_ready.to_string()], health)
}

pub(super) fn disruption_budget(object: &Object) -> Row {
    // Either is a number or a share such as `50%`.
    let amount = |path: &str| match object.text(path) {
        "" => object.integer(path).map(|it| it.to_string()).unwrap_or_default(),
        share => share.to_owned(),
    };
    let cells = vec![
        amount("spec.minAvailable"),
        amount("spec.maxUnavailable"),
        object.integer("status.disruptionsAllowed").map(|it| it.to_string()).unwrap_or_default(),
    ];
    let (healthy, desired) = (number(object, "status.currentHealthy"), number(object, "status.desiredHealthy"));
    let unread = object.condition("DisruptionAllowed").filter(|it| it.text("reason") == "SyncFailed");
    let health = match unread {
        _ if healthy < desired => Health::Degraded(format!("too few healthy pods: {healthy} of {desired}")),
        Some(condition) => Health::Degraded(why(Part(condition.value), "SyncFailed")),
        None => Health::Healthy,
    };
    (cells, health)
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;
    use serde_json::{Value, json};

    fn row(kind: &str, created: &str, spec: &Value, status: &Value) -> super::super::Status {
        let object =
            json!({"kind": kind, "metadata": {"name": "a", "creationTimestamp": created}, "spec": spec, "status": status});
        of(&Object::new(object), "2026-11-23T09:30:00Z".parse().unwrap())
    }

    #[test]
    fn a_load_balancer_without_address_is_degraded_once_it_is_late() {
        let (new, old) = ("2026-11-23T09:27:00Z", "2026-11-23T09:20:00Z");
        let (none, some) = (json!({"loadBalancer": {}}), json!({"loadBalancer": {"ingress": [{"hostname": "a.elb"}]}}));
        let (balanced, inner) = (json!({"type": "LoadBalancer"}), json!({"type": "ClusterIP"}));
        for (kind, created, spec, status, reason) in [
            ("Service", old, &balanced, &none, "no address of a load balancer"),
            ("Service", new, &balanced, &none, ""),
            ("Service", old, &balanced, &some, ""),
            ("Service", old, &inner, &none, ""),
            ("Ingress", old, &json!({}), &none, "no address"),
            ("Ingress", new, &json!({}), &none, ""),
            ("Ingress", old, &json!({}), &some, ""),
        ] {
            assert_eq!(row(kind, created, spec, status).health.reason(), reason, "{kind} {created} {status}");
        }
    }

    #[test]
    fn a_budget_is_degraded_while_too_few_are_healthy() {
        let of = |healthy: i64| {
            let status = json!({"currentHealthy": healthy, "desiredHealthy": 2, "disruptionsAllowed": healthy - 2});
            row("PodDisruptionBudget", "2026-11-23T09:20:00Z", &json!({"minAvailable": "50%"}), &status)
        };
        assert_eq!((of(3).cells, of(3).health), (vec!["50%".to_owned(), String::new(), "1".to_owned()], Health::Healthy));
        assert_eq!(of(1).health, Health::Degraded("too few healthy pods: 1 of 2".to_owned()));
    }
}
