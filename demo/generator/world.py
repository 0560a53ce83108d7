"""One cluster: objects with identity, nodes, and the writing of the folder."""

import json
from pathlib import Path

from .base import TAKEN_AT, after, digest, instance_id, seeded, size, stamp, suffix, uid

NODE_SHAPES = {
    # type: (arch, memory seen by the kubelet, memory the kubelet reserves, pods, price family)
    "m7i.large": ("amd64", 7934292, 689152, 29),
    "t4g.medium": ("arm64", 3923028, 566272, 17),
    "m7g.large": ("arm64", 7927368, 689152, 29),
}


class World:
    def __init__(self, name, region, minor, network, service_network, kubelet, auto_mode=False):
        self.name = name
        self.region = region
        self.minor = minor
        self.network = network
        self.service_network = service_network
        self.kubelet = kubelet
        self.auto_mode = auto_mode
        self.files = {}
        self.nodes = {}
        self.pods = []
        self.events = []
        self.logs = {}
        self.accounts = {}
        self.associations = {}  # (namespace, service account) -> id of the Pod Identity association
        self.next_address = {}
        self.next_version = 41_200_000 + int(digest("version", name)[:5], 16)

    # Objects

    def meta(self, kind, name, namespace=None, created=None, labels=None, annotations=None, owner=None, prefix=None):
        self.next_version += 1 + int(digest(self.name, kind, namespace, name)[:2], 16)
        meta = {"name": name, "uid": uid(self.name, kind, namespace, name), "resourceVersion": str(self.next_version)}
        meta["creationTimestamp"] = stamp(created)
        if namespace:
            meta["namespace"] = namespace
        if labels:
            meta["labels"] = dict(labels)
        if annotations:
            meta["annotations"] = dict(annotations)
        if prefix:
            meta["generateName"] = prefix
        if owner:
            meta["ownerReferences"] = [{
                "apiVersion": owner["apiVersion"],
                "blockOwnerDeletion": True,
                "controller": True,
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
            }]
        return meta

    def add(self, file, api_version, kind, meta, **body):
        item = {"apiVersion": api_version, "kind": kind, "metadata": meta} | body
        self.files.setdefault(file, []).append(item)
        return item

    def items(self, kind):
        return [item for items in self.files.values() for item in items if item["kind"] == kind]

    def find(self, kind, name, namespace=None):
        for item in self.items(kind):
            if item["metadata"]["name"] == name and item["metadata"].get("namespace") == namespace:
                return item
        raise LookupError(f"{kind} {namespace}/{name}")

    # Cluster scope

    def namespace(self, name, created, labels=None):
        labels = {"kubernetes.io/metadata.name": name} | (labels or {})
        self.add("cluster-scoped", "v1", "Namespace", self.meta("Namespace", name, created=created, labels=labels),
                 spec={"finalizers": ["kubernetes"]}, status={"phase": "Active"})
        self.service_account(name, "default", created)
        # Mounted into every pod through its token volume.
        self.config_map(name, "kube-root-ca.crt", created, {
            "ca.crt": "-----BEGIN CERTIFICATE-----\ndemo-not-a-certificate\n-----END CERTIFICATE-----\n"
        }, annotations={"kubernetes.io/description":
                        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
                        "endpoints such as the internal service IP or kubernetes.default.svc."})

    def base_objects(self, created):
        for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self.namespace(name, created)
        for name, value in (("system-node-critical", 2000001000), ("system-cluster-critical", 2000000000)):
            self.add("cluster-scoped", "scheduling.k8s.io/v1", "PriorityClass",
                     self.meta("PriorityClass", name, created=created), value=value,
                     preemptionPolicy="PreemptLowerPriority",
                     description="Used for system critical pods.")
        address = f"{self.service_network}.0.1"
        labels = {"component": "apiserver", "provider": "kubernetes"}
        self.add("default", "v1", "Service", self.meta("Service", "kubernetes", "default", created, labels=labels),
                 spec={
                     "clusterIP": address, "clusterIPs": [address], "internalTrafficPolicy": "Cluster",
                     "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                     "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}],
                     "sessionAffinity": "None", "type": "ClusterIP",
                 }, status={"loadBalancer": {}})
        self.add("default", "discovery.k8s.io/v1", "EndpointSlice",
                 self.meta("EndpointSlice", "kubernetes", "default", created,
                           labels={"kubernetes.io/service-name": "kubernetes"}),
                 addressType="IPv4",
                 endpoints=[{"addresses": [f"{self.network}.{zone}.{host}"], "conditions": {"ready": True}}
                            for zone, host in ((10, 38), (11, 201))],
                 ports=[{"name": "https", "port": 443, "protocol": "TCP"}])

    def storage_class(self, name, provisioner, mode, created, default=False, **parameters):
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else None
        self.add("cluster-scoped", "storage.k8s.io/v1", "StorageClass",
                 self.meta("StorageClass", name, created=created, annotations=annotations),
                 provisioner=provisioner, parameters={"type": "gp3", "encrypted": "true"} | parameters,
                 reclaimPolicy="Delete", volumeBindingMode=mode, allowVolumeExpansion=True)

    def csi_driver(self, name, created):
        self.add("cluster-scoped", "storage.k8s.io/v1", "CSIDriver", self.meta("CSIDriver", name, created=created), spec={
            "attachRequired": True, "fsGroupPolicy": "ReadWriteOnceWithFSType", "podInfoOnMount": False,
            "requiresRepublish": False, "seLinuxMount": False, "storageCapacity": False,
            "volumeLifecycleModes": ["Persistent"],
        })

    def node(self, zone, instance_type, created, subnet, host, labels=None, taints=None, name=None):
        arch, total, reserved, pods = NODE_SHAPES[instance_type]
        instance = instance_id(self.name, zone, subnet, host)
        address = f"{self.network}.{subnet}.{host}"
        if self.auto_mode:
            name = instance
        else:
            domain = "ec2.internal" if self.region == "us-east-1" else f"{self.region}.compute.internal"
            name = f"ip-{address.replace('.', '-')}.{domain}"
        driver = "ebs.csi.eks.amazonaws.com" if self.auto_mode else "ebs.csi.aws.com"
        all_labels = {
            "beta.kubernetes.io/arch": arch,
            "beta.kubernetes.io/instance-type": instance_type,
            "beta.kubernetes.io/os": "linux",
            "failure-domain.beta.kubernetes.io/region": self.region,
            "failure-domain.beta.kubernetes.io/zone": zone,
            "k8s.io/cloud-provider-aws": digest("cloud", self.name)[:32],
            "kubernetes.io/arch": arch,
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": instance_type,
            "topology.k8s.aws/zone-id": {"us-east-1": "use1-az", "us-west-2": "usw2-az"}[self.region]
            + str(" abcd".index(zone[-1])),
            "topology.kubernetes.io/region": self.region,
            "topology.kubernetes.io/zone": zone,
        } | (labels or {})
        annotations = {
            "csi.volume.kubernetes.io/nodeid": json.dumps({driver: instance}),
            "node.alpha.kubernetes.io/ttl": "0",
            "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        }
        boot = digest("boot", instance)
        condition = lambda kind, status, reason, message: {
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": stamp(after(TAKEN_AT, -20 - host % 200)),
            "lastTransitionTime": stamp(after(created, 24)),
        }
        conditions = [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ]
        if self.auto_mode:
            # Auto Mode nodes run the node monitoring agent.
            conditions += [
                condition(f"{kind}Ready", "True", reason, message) for kind, reason, message in (
                    ("Kernel", "KernelIsReady", "Monitoring for the Kernel system is active"),
                    ("ContainerRuntime", "ContainerRuntimeIsReady",
                     "Monitoring for the ContainerRuntime system is active"),
                    ("Storage", "DiskIsReady", "Monitoring for the Disk system is active"),
                    ("Networking", "NetworkingIsReady", "Monitoring for the Networking system is active"),
                )
            ]
        quantities = {"ephemeral-storage": "83873772Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0", "pods": str(pods)}
        status = {
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "InternalDNS", "address": name if not self.auto_mode else f"{instance}.{self.region}.compute.internal"},
                {"type": "Hostname", "address": name},
            ],
            "allocatable": quantities | {"cpu": "1930m", "memory": f"{total - reserved}Ki",
                                         "ephemeral-storage": "76224326324"},
            "capacity": quantities | {"cpu": "2", "memory": f"{total}Ki"},
            "conditions": conditions,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "architecture": arch,
                "bootID": uid("boot", instance),
                "containerRuntimeVersion": "containerd://2.1.5",
                "kernelVersion": "6.12.58" if self.auto_mode else f"6.12.55-74.119.amzn2023.{'x86_64' if arch == 'amd64' else 'aarch64'}",
                "kubeProxyVersion": self.kubelet,
                "kubeletVersion": self.kubelet,
                "machineID": "ec2" + boot[:29],
                "operatingSystem": "linux",
                "osImage": f"Bottlerocket (EKS Auto, Standard) 2026.11.9 (aws-k8s-{self.minor}-standard)"
                if self.auto_mode else "Amazon Linux 2023.9.20261109",
                "systemUUID": uid("system", instance).replace(uid("system", instance)[:3], "ec2", 1),
            },
        }
        spec = {"providerID": f"aws:///{zone}/{instance}"}
        if taints:
            spec["taints"] = taints
        self.add("nodes", "v1", "Node", self.meta("Node", name, created=created, labels=all_labels, annotations=annotations),
                 spec=spec, status=status)
        self.nodes[name] = {
            "name": name, "zone": zone, "instance": instance, "address": address, "subnet": subnet, "taints": taints or [],
            "labels": all_labels, "cpu": 2000, "memory": total * 1024, "allocatable_memory": size(f"{total - reserved}Ki"),
            "pods": pods, "created": created,
        }
        # Lists the drivers of the node; one without EBS volumes in the cluster has none.
        drivers = [{"name": driver, "nodeID": instance, "allocatable": {"count": 26},
                    "topologyKeys": ["kubernetes.io/os", "topology.kubernetes.io/zone"]}] if self.items(
                        "CSIDriver") else []
        self.add("nodes", "storage.k8s.io/v1", "CSINode",
                 self.meta("CSINode", name, created=after(created, 1)), spec={"drivers": drivers})
        return name

    def pod_address(self, node):
        subnet = self.nodes[node]["subnet"]
        taken = self.next_address.setdefault(subnet, {int(n["address"].split(".")[3]) for n in self.nodes.values()})
        rng = seeded("address", self.name, subnet, len(taken))
        host = rng.randrange(20, 250)
        while host in taken:
            host = rng.randrange(20, 250)
        taken.add(host)
        return f"{self.network}.{subnet}.{host}"

    # Namespace scope

    def service_account(self, namespace, name, created, annotations=None):
        if (namespace, name) not in self.accounts:
            self.accounts[namespace, name] = self.add(
                namespace, "v1", "ServiceAccount",
                self.meta("ServiceAccount", name, namespace, created, annotations=annotations))

    def config_map(self, namespace, name, created, data, annotations=None, labels=None):
        return self.add(namespace, "v1", "ConfigMap",
                        self.meta("ConfigMap", name, namespace, created, labels=labels, annotations=annotations), data=data)

    def secret(self, namespace, name, created, *keys):
        # base64 of "demo-not-a-secret"
        return self.add(namespace, "v1", "Secret", self.meta("Secret", name, namespace, created),
                        data={key: "ZGVtby1ub3QtYS1zZWNyZXQ=" for key in keys}, type="Opaque")

    def volume(self, namespace, claim, created, zone, storage_class, capacity, labels=None):
        """A bound claim and its EBS volume."""
        driver = "ebs.csi.eks.amazonaws.com" if self.auto_mode else "ebs.csi.aws.com"
        waits = self.find("StorageClass", storage_class)["volumeBindingMode"] == "WaitForFirstConsumer"
        annotations = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
                       "volume.kubernetes.io/storage-provisioner": driver}
        if waits:
            annotations["volume.kubernetes.io/selected-node"] = next(
                node["name"] for node in self.nodes.values() if node["zone"] == zone)
        claim_uid = uid(self.name, "PersistentVolumeClaim", namespace, claim)
        name = f"pvc-{claim_uid}"
        item = self.add(
            namespace, "v1", "PersistentVolumeClaim",
            self.meta("PersistentVolumeClaim", claim, namespace, created, labels=labels, annotations=annotations),
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": capacity}},
                  "storageClassName": storage_class, "volumeMode": "Filesystem", "volumeName": name},
            status={"accessModes": ["ReadWriteOnce"], "capacity": {"storage": capacity}, "phase": "Bound"})
        item["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
        made = after(created, 4)
        volume = self.add(
            "cluster-scoped", "v1", "PersistentVolume",
            self.meta("PersistentVolume", name, created=made,
                      annotations={"pv.kubernetes.io/provisioned-by": driver}),
            spec={
                "accessModes": ["ReadWriteOnce"],
                "capacity": {"storage": capacity},
                "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim, "namespace": namespace,
                             "resourceVersion": str(int(item["metadata"]["resourceVersion"]) - 1), "uid": claim_uid},
                "csi": {"driver": driver, "fsType": "ext4", "volumeHandle": volume_id_of(self, namespace, claim),
                        "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity":
                                             f"{int(made.timestamp()) * 1000}-4127-{driver}"}},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                    {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]}]}},
                "persistentVolumeReclaimPolicy": "Delete",
                "storageClassName": storage_class,
                "volumeMode": "Filesystem",
            },
            status={"phase": "Bound", "lastPhaseTransitionTime": stamp(made)})
        volume["metadata"]["finalizers"] = ["external-provisioner.volume.kubernetes.io/finalizer",
                                            "kubernetes.io/pv-protection"]
        return item

    def service(self, namespace, name, created, selector, ports, headless=False, labels=None):
        """A Service and the EndpointSlice its pods make; call it after the pods."""
        rng = seeded("service", self.name, namespace, name)
        address = "None" if headless else f"{self.service_network}.{rng.randrange(4, 250)}.{rng.randrange(2, 250)}"
        if name == "kube-dns":
            address = f"{self.service_network}.0.10"
        item = self.add(
            namespace, "v1", "Service",
            self.meta("Service", name, namespace, created, labels=labels or selector),
            spec={
                "clusterIP": address, "clusterIPs": [address], "internalTrafficPolicy": "Cluster",
                "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                "ports": [{"name": key, "port": port, "protocol": protocol, "targetPort": target}
                          for key, port, target, protocol in ports],
                "selector": selector, "sessionAffinity": "None", "type": "ClusterIP",
            }, status={"loadBalancer": {}})
        endpoints, numbers = [], {}
        for pod in self.pods:
            meta, status = pod.item["metadata"], pod.item["status"]
            matches = selector.items() <= meta["labels"].items()
            if meta["namespace"] != namespace or not matches or "podIP" not in status or status["phase"] == "Succeeded":
                continue
            numbers |= {port["name"]: port["containerPort"] for item in pod.item["spec"]["containers"]
                        for port in item.get("ports", [])}
            endpoints.append({
                "addresses": [status["podIP"]],
                "conditions": {"ready": pod.ready, "serving": pod.ready, "terminating": False},
                "nodeName": pod.node,
                "targetRef": {"kind": "Pod", "name": meta["name"], "namespace": namespace, "uid": meta["uid"]},
                "zone": self.nodes[pod.node]["zone"],
            })
        slice_labels = (labels or selector) | {
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": name,
        } | ({"service.kubernetes.io/headless": ""} if headless else {})
        self.add(namespace, "discovery.k8s.io/v1", "EndpointSlice",
                 self.meta("EndpointSlice", f"{name}-{suffix(5, self.name, namespace, name)}", namespace, created,
                           labels=slice_labels, owner=item, prefix=f"{name}-"),
                 addressType="IPv4", endpoints=endpoints,
                 # Without endpoints the controller cannot resolve named ports and lists none.
                 ports=[{"name": key, "port": numbers[target] if isinstance(target, str) else target,
                         "protocol": protocol} for key, _, target, protocol in ports] if endpoints else [])
        return item

    # Events

    def event(self, item, reason, message, first, last=None, count=1, warning=False, component="kubelet", node=None,
              container=None):
        last = last or first
        meta = item["metadata"]
        involved = {"apiVersion": item["apiVersion"], "kind": item["kind"], "name": meta["name"], "uid": meta["uid"],
                    "resourceVersion": meta["resourceVersion"]}
        if "namespace" in meta:
            involved["namespace"] = meta["namespace"]
        if container:
            involved["fieldPath"] = f"spec.containers{{{container}}}"
        source = {"component": component} | ({"host": node} if node else {})
        namespace = meta.get("namespace", "default")
        name = f"{meta['name']}.{digest(self.name, namespace, meta['name'], reason, message)[:16]}"
        event = {
            "apiVersion": "v1", "kind": "Event",
            "metadata": self.meta("Event", name, namespace, first),
            "involvedObject": involved, "reason": reason, "message": message,
            "type": "Warning" if warning else "Normal", "count": count,
            "firstTimestamp": stamp(first), "lastTimestamp": stamp(last), "eventTime": None, "source": source,
            "reportingComponent": component, "reportingInstance": node or "",
        }
        self.events.append(event)

    def log(self, namespace, pod, container, lines, previous=False):
        name = f"{namespace}_{pod}_{container}{'.previous' if previous else ''}.log"
        self.logs[name] = "\n".join(lines) + "\n"

    # Output

    def write(self, root: Path):
        self.files["events"] = sorted(self.events, key=lambda e: (e["lastTimestamp"], e["metadata"]["name"]))
        folder = root / "clusters" / self.name
        (folder / "objects").mkdir(parents=True)
        (folder / "logs").mkdir()
        for file, items in sorted(self.files.items()):
            body = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
            # kubectl prints the keys of JSON in alphabetical order.
            text = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False)
            (folder / "objects" / f"{file}.json").write_text(text + "\n")
        for name, text in sorted(self.logs.items()):
            (folder / "logs" / name).write_text(text)


def volume_id_of(world, namespace, claim):
    return "vol-0" + digest("volume", world.name, namespace, claim)[:16]
