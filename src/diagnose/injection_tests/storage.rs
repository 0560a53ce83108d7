//! Claims that are not bound, and volumes that are not attached or mounted.

use serde_json::{Value, json};

use super::said::Said;
use super::scheduling::add;
use super::states::{is_creating, unscheduled};
use super::world::{BEGAN, Host, World, text};
use super::{DEPLOYMENTS, Fault};

const CLAIM: &[&str] = &["PersistentVolumeClaim"];
const SETS: &[&str] = &["StatefulSet"];

pub(super) const FAULTS: &[Fault] = &[
    Fault::of("pvc-storageclass-missing", CLAIM, class_missing),
    Fault::of_pods("pvc-storageclass-missing", DEPLOYMENTS, class_of_new_claim).called("of a new claim"),
    Fault::of("pvc-no-default-class", CLAIM, no_class),
    Fault::of("pvc-lost", CLAIM, lost),
    Fault::of("ebs-csi-iam", CLAIM, denied),
    Fault::of_pods("ebs-csi-iam", DEPLOYMENTS, denied_of_new_claim).called("of a new claim").only(has_class),
    Fault::of("ebs-kms-denied", CLAIM, kms),
    Fault::of("ebs-limit-or-parameters", CLAIM, parameters),
    Fault::of("pvc-driver-missing", CLAIM, no_driver),
    Fault::of("pvc-resize-stuck", CLAIM, resize),
    Fault::of_pods("volume-multi-attach", SETS, multi_attach),
    Fault::of_pods("ebs-attach-failed", SETS, attach),
    Fault::of_pods("csi-node-plugin-missing", SETS, node_plugin),
    Fault::of_pods("volume-mount-failed-fs", SETS, file_system),
    Fault::of_pods("efs-timeout", DEPLOYMENTS, efs_timeout),
    Fault::of_pods("efs-access-denied", DEPLOYMENTS, efs_denied),
    Fault::of_pods("efs-dns", DEPLOYMENTS, efs_name),
];

fn has_class(world: &World, _: &Host) -> bool {
    world.of_kind("StorageClass").any(|it| it["metadata"]["name"] == "gp3")
}

/// Makes a claim anew that is not bound; its volume is gone, and its pod waits for it.
fn unbind(world: &mut World, claim: &Host, said: &[Said]) {
    let volume = text(world.find(claim).unwrap(), "/spec/volumeName").to_owned();
    world.remove(&Host { namespace: String::new(), ..claim.beside("PersistentVolume", &volume) });
    let object = world.get(claim);
    object["metadata"]["creationTimestamp"] = BEGAN.into();
    object["metadata"]["uid"] = "c1a10000-0000-4000-8000-000000000001".into();
    object["metadata"]["annotations"] = json!({});
    object["spec"].as_object_mut().unwrap().remove("volumeName");
    object["status"] = json!({"phase": "Pending"});
    world.say_of(claim, said);
    let uses = |pod: &&Value| {
        text(pod, "/metadata/namespace") == claim.namespace
            && pod["spec"]["volumes"]
                .as_array()
                .is_some_and(|it| it.iter().any(|it| it["persistentVolumeClaim"]["claimName"] == claim.name.as_str()))
    };
    let pods: Vec<Host> = world.of_kind("Pod").filter(uses).map(|it| Host::of(world.cluster, it)).collect();
    let nodes = world.of_kind("Node").count();
    let message = format!(
        "0/{nodes} nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."
    );
    world.each(&pods, |pod| unscheduled(pod, &message));
}

fn controller(reason: &'static str, message: impl Into<String>) -> Said {
    Said::warns(reason, message).from("persistentvolume-controller")
}

fn driver(message: &str) -> Said {
    let begin = "failed to provision volume with StorageClass \"gp3\": rpc error: code = Internal desc = Could not create volume \"pvc-c1a10000-0000-4000-8000-000000000001\": ";
    Said::warns("ProvisioningFailed", format!("{begin}{message}")).from("ebs.csi.aws.com_ebs-csi-controller-7d9c_0a1b")
}

fn class_missing(world: &mut World, claim: &Host) {
    world.get(claim)["spec"]["storageClassName"] = "gp3-fast".into();
    unbind(world, claim, &[controller("ProvisioningFailed", "storageclass.storage.k8s.io \"gp3-fast\" not found")]);
}

/// A workload that gets a claim of a class that does not exist.
fn class_of_new_claim(world: &mut World, host: &Host) {
    new_claim(world, host, "fast-ssd", &controller("ProvisioningFailed", "storageclass.storage.k8s.io \"fast-ssd\" not found"));
}

/// A workload that gets a claim whose volume may not be made.
fn denied_of_new_claim(world: &mut World, host: &Host) {
    new_claim(world, host, "gp3", &driver(DENIED));
}

/// A new revision with a claim that is not bound.
fn new_claim(world: &mut World, host: &Host, class: &str, said: &Said) {
    let name = format!("{}-data", host.name);
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": host.namespace, "uid": "c1a10000-0000-4000-8000-000000000002", "creationTimestamp": BEGAN},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}, "storageClassName": class, "volumeMode": "Filesystem"},
        "status": {"phase": "Pending"}});
    world.say(&claim, said);
    world.add(claim);
    let volume = json!({"name": "data", "persistentVolumeClaim": {"claimName": name}});
    let pods = world.roll(host, |spec| add(&mut spec["volumes"], volume.clone()));
    let nodes = world.of_kind("Node").count();
    let message = format!(
        "0/{nodes} nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."
    );
    world.each(&pods, |pod| unscheduled(pod, &message));
}

fn no_class(world: &mut World, claim: &Host) {
    world.get(claim)["spec"].as_object_mut().unwrap().remove("storageClassName");
    for class in world.objects.iter_mut().filter(|it| it["kind"] == "StorageClass") {
        class["metadata"]["annotations"] = json!({});
    }
    let said = "no persistent volumes available for this claim and no storage class is set";
    let said = Said::tells("FailedBinding", said).from("persistentvolume-controller");
    unbind(world, claim, &[said]);
}

fn lost(world: &mut World, claim: &Host) {
    let volume = text(world.find(claim).unwrap(), "/spec/volumeName").to_owned();
    world.remove(&Host { namespace: String::new(), ..claim.beside("PersistentVolume", &volume) });
    let said = controller("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
    world.each(std::slice::from_ref(claim), |it| {
        it["status"] = json!({"phase": "Lost"});
        Vec::new()
    });
    let object = world.find(claim).unwrap().clone();
    world.say(&object, &said);
}

const DENIED: &str = "could not create volume in EC2: operation error EC2: CreateVolume, https response error StatusCode: 403, RequestID: 5a1c, api error UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/nodes/i-0a1b is not authorized to perform: ec2:CreateVolume on resource: arn:aws:ec2:us-east-1:111122223333:volume/* because no identity-based policy allows the ec2:CreateVolume action";

fn denied(world: &mut World, claim: &Host) {
    unbind(world, claim, &[driver(DENIED)]);
}

fn kms(world: &mut World, claim: &Host) {
    let why = "failed to get an available volume in EC2: InvalidVolume.NotFound: The volume 'vol-0a1b2c3d4e5f60718' does not exist.\n\tstatus code: 400, request id: 5a1c";
    unbind(world, claim, &[driver(why)]);
}

fn parameters(world: &mut World, claim: &Host) {
    unbind(
        world,
        claim,
        &[driver(
            "could not create volume in EC2: VolumeLimitExceeded: You have exceeded your maximum gp3 storage limit of 50 TiB in this region.",
        )],
    );
}

fn no_driver(world: &mut World, claim: &Host) {
    for class in world.objects.iter_mut().filter(|it| it["kind"] == "StorageClass") {
        class["provisioner"] = "ebs.csi.example.com".into();
    }
    let said = "Waiting for a volume to be created either by the external provisioner 'ebs.csi.example.com' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.";
    unbind(world, claim, &[Said::tells("ExternalProvisioning", said).from("persistentvolume-controller")]);
}

fn resize(world: &mut World, claim: &Host) {
    let why = "resize volume \"pvc-7c3118e7\" by resizer \"ebs.csi.aws.com\" failed: rpc error: code = Internal desc = Could not modify volume \"vol-0fb20fa8f884be593\": operation error EC2: ModifyVolume, api error VolumeModificationRateExceeded: You've reached the maximum modification rate per volume limit. Wait at least 6 hours between modifications per EBS volume.";
    world.each(std::slice::from_ref(claim), |it| {
        it["spec"]["resources"]["requests"]["storage"] = "200Gi".into();
        it["status"]["conditions"] = json!([{"type": "Resizing", "status": "True", "lastTransitionTime": BEGAN}]);
        vec![Said::warns("VolumeResizeFailed", why).from("external-resizer ebs.csi.aws.com")]
    });
}

/// The last pod of a StatefulSet, made anew, gets its volume neither attached nor mounted.
fn no_volume(world: &mut World, host: &Host, said: impl Fn(&str, &Value) -> Said) {
    let pods = world.roll(host, |_| {});
    let claim = text(world.find(&pods[0]).unwrap(), "/spec/volumes/0/persistentVolumeClaim/claimName").to_owned();
    let volume = text(world.find(&host.beside("PersistentVolumeClaim", &claim)).unwrap(), "/spec/volumeName").to_owned();
    world.each(&pods, |pod| {
        is_creating(pod);
        let late = "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[]: context deadline exceeded";
        vec![Said::warns("FailedMount", late), said(&volume, pod)]
    });
}

fn multi_attach(world: &mut World, host: &Host) {
    no_volume(world, host, |volume, _| {
        let why = format!(
            "Multi-Attach error for volume \"{volume}\" Volume is already exclusively attached to one node and can't be attached to another"
        );
        Said::warns("FailedAttachVolume", why).from("attachdetach-controller")
    });
}

fn attach(world: &mut World, host: &Host) {
    no_volume(world, host, |volume, pod| {
        let why = format!(
            "AttachVolume.Attach failed for volume \"{volume}\" : rpc error: code = Internal desc = Could not attach volume \"vol-0fb20fa8f884be593\" to node \"{}\": could not attach volume \"vol-0fb20fa8f884be593\": operation error EC2: AttachVolume, api error IncorrectState: vol-0fb20fa8f884be593 is not 'available'.",
            text(pod, "/spec/nodeName")
        );
        Said::warns("FailedAttachVolume", why).from("attachdetach-controller")
    });
}

fn node_plugin(world: &mut World, host: &Host) {
    no_volume(world, host, |volume, _| {
        let why = format!(
            "MountVolume.MountDevice failed for volume \"{volume}\" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name ebs.csi.eks.amazonaws.com not found in the list of registered CSI drivers"
        );
        Said::warns("FailedMount", why)
    });
}

fn file_system(world: &mut World, host: &Host) {
    no_volume(world, host, |volume, _| {
        let why = format!(
            "MountVolume.MountDevice failed for volume \"{volume}\" : rpc error: code = Internal desc = Could not format \"/dev/nvme2n1\" and mount it at \"/var/lib/kubelet/plugins/kubernetes.io/csi/ebs.csi.eks.amazonaws.com/0a1b/globalmount\": mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t ext4 -o defaults /dev/nvme2n1 /var/lib/kubelet/plugins/kubernetes.io/csi/ebs.csi.eks.amazonaws.com/0a1b/globalmount\nOutput: mount: wrong fs type, bad option, bad superblock on /dev/nvme2n1, missing codepage or helper program, or other error."
        );
        Said::warns("FailedMount", why)
    });
}

/// A new revision mounts a file system of EFS.
fn efs(world: &mut World, host: &Host, why: &str) {
    let volume = json!({"name": "shared", "csi": {"driver": "efs.csi.aws.com", "volumeAttributes": {}}});
    let pods = world.roll(host, |spec| add(&mut spec["volumes"], volume.clone()));
    let message = format!(
        "MountVolume.SetUp failed for volume \"efs-shared\" : rpc error: code = Internal desc = Could not mount \"fs-0a1b2c3d4e5f60718:/\" at \"/var/lib/kubelet/pods/0b5c/volumes/kubernetes.io~csi/efs-shared/mount\": mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t efs -o tls fs-0a1b2c3d4e5f60718:/ /var/lib/kubelet/pods/0b5c/volumes/kubernetes.io~csi/efs-shared/mount\nOutput: {why}"
    );
    world.each(&pods, |pod| {
        is_creating(pod);
        vec![Said::warns("FailedMount", message.clone())]
    });
}

fn efs_timeout(world: &mut World, host: &Host) {
    efs(world, host, "mount.nfs4: Connection timed out");
}

fn efs_denied(world: &mut World, host: &Host) {
    efs(
        world,
        host,
        "Could not start amazon-efs-mount-watchdog, unrecognized init system \"aws-efs-csi-dri\"\nb'mount.nfs4: access denied by server while mounting 127.0.0.1:/'",
    );
}

fn efs_name(world: &mut World, host: &Host) {
    efs(
        world,
        host,
        "Failed to resolve \"fs-0a1b2c3d4e5f60718.efs.us-east-1.amazonaws.com\" - check that your file system ID is correct, and ensure that the VPC has an EFS mount target for this file system ID.",
    );
}
