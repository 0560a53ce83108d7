"""What EKS add-ons put into a cluster."""

from .base import after
from .pods import container, field, probe, template
from .workloads import daemon_set, deployment, revision, running

EVERYWHERE = [{"operator": "Exists"}]
PLACED_LATE = [{"key": "CriticalAddonsOnly", "operator": "Exists"},
               {"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}]


def registry(world, image):
    return f"602401143452.dkr.ecr.{world.region}.amazonaws.com/{image}"


def addon_labels(name, app=None):
    return {"app.kubernetes.io/instance": app or name, "app.kubernetes.io/name": name}


def host_path(name, path, kind=""):
    return {"name": name, "hostPath": {"path": path, "type": kind}}


def networking(world, created):
    """aws-node and kube-proxy, which Auto Mode nodes run outside Kubernetes."""
    nodes = template(
        [
            container("aws-node", registry(world, "amazon-k8s-cni:v1.20.4-eksbuild.1"), ("25m", None), port=61678,
                      port_name="metrics",
                      ready=probe(command=["/app/grpc-health-probe", "-addr=:50051", "-connect-timeout=5s",
                                           "-rpc-timeout=5s"], delay=1, timeout=10),
                      env={"AWS_VPC_K8S_CNI_LOGLEVEL": "DEBUG", "ENABLE_PREFIX_DELEGATION": "false",
                           "WARM_ENI_TARGET": "1", "MY_NODE_NAME": field("spec.nodeName"),
                           "CLUSTER_NAME": world.name}),
            container("aws-eks-nodeagent", registry(world, "amazon/aws-network-policy-agent:v1.2.7-eksbuild.1"),
                      ("25m", None), port=8162, port_name="agentmetrics",
                      args=["--enable-ipv6=false", "--enable-network-policy=false", "--metrics-bind-addr=:8162",
                            "--health-probe-bind-addr=:8163"], security={"privileged": True}),
        ],
        "aws-node", hostNetwork=True, priorityClassName="system-node-critical", tolerations=EVERYWHERE,
        initContainers=[container("aws-vpc-cni-init", registry(world, "amazon-k8s-cni-init:v1.20.4-eksbuild.1"),
                                  ("25m", None), security={"privileged": True})],
        volumes=[host_path("cni-bin-dir", "/opt/cni/bin"), host_path("cni-net-dir", "/etc/cni/net.d"),
                 host_path("log-dir", "/var/log/aws-routed-eni", "DirectoryOrCreate")],
    )
    daemon_set(world, "kube-system", "aws-node", created, nodes,
               {"app.kubernetes.io/name": "aws-node", "k8s-app": "aws-node"}, {"cpu": 6, "memory": 62})
    proxy = template(
        [container("kube-proxy", registry(world, f"eks/kube-proxy:v{world.minor}.{9 if world.minor < '1.35' else 1}-minimal-eksbuild.3"),
                   ("100m", None), command=["kube-proxy", "--v=2", "--config=/var/lib/kube-proxy-config/config",
                                            "--hostname-override=$(NODE_NAME)"],
                   env={"NODE_NAME": field("spec.nodeName")},
                   mounts=[{"name": "config", "mountPath": "/var/lib/kube-proxy-config/"}],
                   security={"privileged": True})],
        "kube-proxy", hostNetwork=True, priorityClassName="system-node-critical", tolerations=EVERYWHERE,
        volumes=[{"name": "config", "configMap": {"name": "kube-proxy-config", "defaultMode": 420}}],
    )
    world.config_map("kube-system", "kube-proxy-config", created, {
        "config": "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: iptables\n"})
    daemon_set(world, "kube-system", "kube-proxy", created, proxy, {"k8s-app": "kube-proxy"}, {"cpu": 2, "memory": 26})


def dns(world, created, started, nodes):
    world.config_map("kube-system", "coredns", created, {"Corefile": (
        ".:53 {\n    errors\n    health {\n        lameduck 5s\n      }\n    ready\n"
        "    kubernetes cluster.local in-addr.arpa ip6.arpa {\n      pods insecure\n"
        "      fallthrough in-addr.arpa ip6.arpa\n    }\n    prometheus :9153\n    forward . /etc/resolv.conf\n"
        "    cache 30\n    loop\n    reload\n    loadbalance\n}\n")})
    image = "eks/coredns:v1.11.4-eksbuild.24" if world.minor < "1.35" else "eks/coredns:v1.13.1-eksbuild.2"
    server = container("coredns", registry(world, image), ("100m", "70Mi"), (None, "170Mi"),
                       ready=probe("/ready", 8181), live=probe("/health", 8080, delay=60, timeout=5, failures=5),
                       args=["-conf", "/etc/coredns/Corefile"],
                       mounts=[{"name": "config-volume", "mountPath": "/etc/coredns", "readOnly": True}])
    server["ports"] = [{"containerPort": 53, "name": "dns", "protocol": "UDP"},
                       {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"},
                       {"containerPort": 9153, "name": "metrics", "protocol": "TCP"}]
    spec = template([server], "coredns", priorityClassName="system-cluster-critical", tolerations=PLACED_LATE,
                    volumes=[{"name": "config-volume", "configMap": {
                        "defaultMode": 420, "items": [{"key": "Corefile", "path": "Corefile"}], "name": "coredns"}}])
    labels = {"eks.amazonaws.com/component": "coredns", "k8s-app": "kube-dns"}
    deployment(world, "kube-system", "coredns", created, [
        revision(started, spec, [(node, running(after(started, 1)), {"cpu": 5, "memory": 22}) for node in nodes])],
        labels=labels)
    world.service("kube-system", "kube-dns", created, {"k8s-app": "kube-dns"}, [
        ("dns", 53, 53, "UDP"), ("dns-tcp", 53, 53, "TCP"), ("metrics", 9153, 9153, "TCP")],
        labels={"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"})


def metrics_server(world, created, started, nodes):
    spec = template(
        [container("metrics-server", registry(world, "eks/metrics-server:v0.8.0-eksbuild.5"), ("100m", "200Mi"),
                   (None, "400Mi"), 10251, "https", ready=probe("/readyz", "https") , live=probe("/livez", "https"),
                   args=["--secure-port=10251", "--cert-dir=/tmp", "--kubelet-preferred-address-types=InternalIP",
                         "--metric-resolution=15s"])],
        "metrics-server", priorityClassName="system-cluster-critical", tolerations=PLACED_LATE)
    for key in ("readinessProbe", "livenessProbe"):
        spec["containers"][0][key]["httpGet"]["scheme"] = "HTTPS"
    deployment(world, "kube-system", "metrics-server", created, [
        revision(started, spec, [(node, running(after(started, 1)), {"cpu": 4, "memory": 34}) for node in nodes])],
        labels=addon_labels("metrics-server"))
    world.service("kube-system", "metrics-server", created, addon_labels("metrics-server"), [("https", 443, "https", "TCP")])


def block_storage(world, created, started, nodes):
    def part(name, image, memory="40Mi", **more):
        return container(name, registry(world, image), ("10m", memory), (None, "256Mi"), **more)

    labels = addon_labels("aws-ebs-csi-driver")
    socket = "--csi-address=/var/lib/csi/sockets/pluginproxy/csi.sock"
    driver = "eks/aws-ebs-csi-driver:v1.53.0"
    controller = template(
        [
            part("ebs-plugin", driver, port=9808, port_name="healthz", live="/healthz",
                 args=["controller", "--endpoint=unix:///var/lib/csi/sockets/pluginproxy/csi.sock", "--v=2"]),
            part("csi-provisioner", "eks/csi-provisioner:v5.3.0-eksbuild.5", args=[socket, "--feature-gates=Topology=true"]),
            part("csi-attacher", "eks/csi-attacher:v4.10.0-eksbuild.2", args=[socket, "--leader-election=true"]),
            part("csi-resizer", "eks/csi-resizer:v1.14.0-eksbuild.5", args=[socket, "--handle-volume-inuse-error=false"]),
            part("liveness-probe", "eks/livenessprobe:v2.17.0-eksbuild.3", args=["--csi-address=/csi/csi.sock"]),
        ],
        "ebs-csi-controller-sa", priorityClassName="system-cluster-critical", tolerations=PLACED_LATE,
        volumes=[{"name": "socket-dir", "emptyDir": {}}])
    deployment(world, "kube-system", "ebs-csi-controller", created, [
        revision(started, controller, [(node, running(after(started, 1)), {"cpu": 3, "memory": 88}) for node in nodes])],
        labels=labels | {"app": "ebs-csi-controller"})
    agent = template(
        [
            part("ebs-plugin", driver, port=9808, port_name="healthz", live="/healthz",
                 args=["node", "--endpoint=unix:///csi/csi.sock", "--v=2"], security={"privileged": True}),
            part("node-driver-registrar", "eks/csi-node-driver-registrar:v2.15.0-eksbuild.3",
                 args=["--csi-address=/csi/csi.sock", "--kubelet-registration-path=/var/lib/kubelet/plugins/ebs.csi.aws.com/csi.sock"]),
            part("liveness-probe", "eks/livenessprobe:v2.17.0-eksbuild.3", args=["--csi-address=/csi/csi.sock"]),
        ],
        "ebs-csi-node-sa", priorityClassName="system-node-critical", tolerations=EVERYWHERE,
        volumes=[host_path("kubelet-dir", "/var/lib/kubelet", "Directory"),
                 host_path("plugin-dir", "/var/lib/kubelet/plugins/ebs.csi.aws.com/", "DirectoryOrCreate")])
    daemon_set(world, "kube-system", "ebs-csi-node", created, agent, labels | {"app": "ebs-csi-node"}, {"cpu": 2, "memory": 36})


def pod_identity_agent(world, created):
    agent = template(
        [container("eks-pod-identity-agent", registry(world, "eks/eks-pod-identity-agent:v0.1.34"), port=80,
                   port_name="proxy", ready=probe("/readyz", 2703, delay=1, timeout=10, failures=30),
                   live=probe("/healthz", 2703, delay=30, timeout=10),
                   args=["server", "--port", "80", "--cluster-name", world.name, "--probe-port", "2703"],
                   env={"AWS_REGION": world.region})],
        hostNetwork=True, priorityClassName="system-node-critical", tolerations=EVERYWHERE)
    daemon_set(world, "kube-system", "eks-pod-identity-agent", created, agent, addon_labels("eks-pod-identity-agent"),
               {"cpu": 1, "memory": 14})


def monitoring(world, created):
    world.namespace("amazon-cloudwatch", created)
    world.config_map("amazon-cloudwatch", "cloudwatch-agent", created, {"cwagentconfig.json": (
        '{"logs":{"metrics_collected":{"kubernetes":{"cluster_name":"%s","enhanced_container_insights":true}}}}' % world.name)})
    agent = template(
        [container("otc-container", "public.ecr.aws/cloudwatch-agent/cloudwatch-agent:1.300062.0b1304", ("250m", "128Mi"),
                   ("500m", "512Mi"), env={"HOST_IP": field("status.hostIP"), "K8S_NODE_NAME": field("spec.nodeName"),
                                           "K8S_NAMESPACE": field("metadata.namespace")},
                   mounts=[{"name": "otc-internal", "mountPath": "/etc/cwagentconfig"}])],
        "cloudwatch-agent", nodeSelector={"kubernetes.io/os": "linux"}, tolerations=EVERYWHERE,
        volumes=[{"name": "otc-internal", "configMap": {"name": "cloudwatch-agent", "defaultMode": 420}}])
    daemon_set(world, "amazon-cloudwatch", "cloudwatch-agent", created, agent,
               {"app.kubernetes.io/component": "amazon-cloudwatch-agent", "app.kubernetes.io/name": "cloudwatch-agent"},
               {"cpu": 21, "memory": 138})
