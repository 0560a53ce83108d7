"""Pod templates: containers, probes, volumes."""


def probe(path=None, port="http", command=None, period=10, delay=5, timeout=1, failures=3):
    body = {"exec": {"command": command}} if command else {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"}
    }
    return body | {
        "initialDelaySeconds": delay,
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "successThreshold": 1,
        "failureThreshold": failures,
    }


def container(
    name, image, requests=None, limits=None, port=None, port_name="http", ready=None, live=None, env=None,
    env_from=None, mounts=(), command=None, args=None, security=None,
):
    resources = {}
    if limits:
        resources["limits"] = {"cpu": limits[0], "memory": limits[1]} if limits[0] else {"memory": limits[1]}
    if requests:
        resources["requests"] = {"cpu": requests[0], "memory": requests[1]} if requests[1] else {"cpu": requests[0]}
    body = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": resources,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    if port:
        body["ports"] = [{"containerPort": port, "name": port_name, "protocol": "TCP"}]
    if ready:
        body["readinessProbe"] = ready if isinstance(ready, dict) else probe(ready, port_name)
    if live:
        body["livenessProbe"] = live if isinstance(live, dict) else probe(live, port_name, period=20, delay=15)
    if env:
        body["env"] = [
            {"name": key, "valueFrom": value} if isinstance(value, dict) else {"name": key, "value": value}
            for key, value in env.items()
        ]
    if env_from:
        body["envFrom"] = env_from
    if mounts:
        body["volumeMounts"] = list(mounts)
    if command:
        body["command"] = command
    if args:
        body["args"] = args
    if security:
        body["securityContext"] = security
    return body


def template(containers, service_account="default", **more):
    body = {
        "containers": containers,
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "serviceAccount": service_account,
        "serviceAccountName": service_account,
        "terminationGracePeriodSeconds": 30,
    }
    return body | {key: value for key, value in more.items() if value}


def secret_key(secret, key):
    return {"secretKeyRef": {"name": secret, "key": key}}


def field(path):
    return {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}


def qos_class(containers):
    """The class the kubelet derives from requests and limits."""
    resources = [item["resources"] for item in containers]
    if not any(resources):
        return "BestEffort"
    for item in resources:
        limits, requests = item.get("limits", {}), item.get("requests", {})
        if set(limits) != {"cpu", "memory"} or any(requests.get(k, v) != v for k, v in limits.items()):
            return "Burstable"
    return "Guaranteed"


NODE_AGENT_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect}
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    )
]
POD_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for key in ("not-ready", "unreachable")
]
PRIORITIES = {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
