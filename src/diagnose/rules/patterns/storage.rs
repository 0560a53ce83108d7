//! Volumes that cannot be made, attached or mounted.

use super::{On, Pattern};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::finding::{Depth, Severity};

const MOUNT: On = On::Event(&["FailedMount"]);
const ATTACH: On = On::Event(&["FailedAttachVolume"]);
const PROVISION: On = On::Event(&["ProvisioningFailed"]);

pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::new("pvc-storageclass-missing", Severity::High, PROVISION, r#"storageclass\.storage\.k8s\.io "([^"]*)" not found"#, "The StorageClass `{1}` that {what} asks for does not exist.")
        .fix(Risk::Low, "Create the StorageClass, or recreate the claim with one that exists: the class of a claim cannot be changed")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("storageclass.storage.k8s.io \"gp9\" not found", "failed to provision volume with StorageClass \"gp3\": rpc error"),
    Pattern::new("pvc-no-default-class", Severity::High, On::Event(&["FailedBinding"]), r"no persistent volumes available for this claim and no storage class is set", "{what} names no StorageClass and the cluster has no default one.")
        .fix(Risk::Low, "Mark one StorageClass as the default (`storageclass.kubernetes.io/is-default-class: \"true\"`), or name one in the claim")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("no persistent volumes available for this claim and no storage class is set", "waiting for first consumer to be created before binding"),
    Pattern::new("ebs-csi-iam", Severity::High, PROVISION, r"(UnauthorizedOperation|AccessDenied|no EC2 IMDS role found|failed to refresh cached credentials|not authorized to perform: ?(?:ec2|kms):\w+)", "The EBS CSI driver may not create volumes ({1}).")
        .fix(Risk::Low, "Give the add-on a role with `AmazonEBSCSIDriverPolicyV2` by Pod Identity or IRSA on `kube-system/ebs-csi-controller-sa`")
        .at(Depth::Reference, 9)
        .like("failed to provision volume with StorageClass \"gp3\": rpc error: code = Internal desc = Could not create volume \"pvc-1\": could not create volume in EC2: UnauthorizedOperation: You are not authorized to perform this operation.", "storageclass.storage.k8s.io \"gp9\" not found"),
    Pattern::new("ebs-kms-denied", Severity::High, PROVISION, r"(InvalidVolume\.NotFound|KMSKeyNotAccessibleFault|InvalidKMSKey\.\w+|KMS\.\w+Exception)", "The volume is made and vanishes at once, as its KMS key may not be used ({1}).")
        .fix(Risk::Low, "Allow the driver's role `kms:CreateGrant`, `kms:Decrypt` and `kms:GenerateDataKeyWithoutPlaintext`, and check the key policy")
        .at(Depth::Reference, 8)
        .like("failed to get an available volume in EC2: InvalidVolume.NotFound: The volume 'vol-1' does not exist.", "VolumeLimitExceeded"),
    Pattern::new("ebs-limit-or-parameters", Severity::Medium, PROVISION, r"(VolumeLimitExceeded|MaxIOPSLimitExceeded|InvalidParameter(?:Value|Combination)[^,;]*|Invalid parameter key \S+|Volume iops of \d+ is too high)", "EBS does not make the volume: {1}.")
        .fix(Risk::Low, "Correct the parameters of the StorageClass, or raise the quota")
        .at(Depth::Reference, 8)
        .like("Could not create volume \"pvc-1\": Invalid parameter key tpye for CreateVolume", ""),
    Pattern::new("efs-provisioning-failed", Severity::High, PROVISION, r"(?i)(Access Denied\. Please ensure you have the right AWS permissions|File System does not exist|Failed to locate an available GID|AccessPointLimitExceeded)", "The EFS driver cannot make an access point: {1}.")
        .fix(Risk::Low, "Correct the file system id in the StorageClass, or the driver's IAM permissions")
        .at(Depth::Reference, 9)
        .like("failed to provision volume with StorageClass \"efs\": rpc error: code = InvalidArgument desc = File System does not exist: Resource was not found", "UnauthorizedOperation"),
    Pattern::new("pvc-driver-missing", Severity::High, On::Event(&["ExternalProvisioning"]), r#"Waiting for a volume to be created either by the external provisioner ['"]([^'"]+)['"]"#, "{what} waits for the provisioner `{1}`, which does not answer.")
        .fix(Risk::Low, "Install the driver, or look at its controller pods in kube-system; on Auto Mode the provisioner is `ebs.csi.eks.amazonaws.com`")
        .sure(Confidence::Medium)
        .at(Depth::Reference, 6)
        .like("Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com' or manually by the system administrator.", "waiting for first consumer to be created before binding"),
    Pattern::new("pvc-lost", Severity::Critical, On::Event(&["ClaimLost"]), r"(\S(?s:.*))", "{what} has lost its volume: {1}.")
        .fix(Risk::High, "Restore the volume from a snapshot; the data that only it held is gone")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Bound claim has lost reference to PersistentVolume. Data on the volume is lost!", "\n"),
    Pattern::new("pvc-no-matching-pv", Severity::Medium, On::Event(&["VolumeMismatch", "FailedBinding"]), r#"(requested PersistentVolume "[^"]+"[^.]*|no persistent volumes available for this claim$|[Cc]annot bind to requested volume[^.]*)"#, "No PersistentVolume fits {what}: {1}.")
        .fix(Risk::Low, "Correct size, access mode, class or selector of the claim or of the volume")
        .at(Depth::Reference, 7)
        .like("Cannot bind to requested volume \"data-1\": requested PV is too small", ""),
    Pattern::new("pvc-resize-stuck", Severity::Medium, On::Event(&["VolumeResizeFailed"]), r"(\S(?s:.*))", "{what} cannot be made larger: {1}.")
        .fix(Risk::Low, "EBS takes a change every six hours; wait, or correct what the message names")
        .at(Depth::Reference, 7)
        .like("resize volume \"pvc-1\" failed: rpc error: modification rate exceeded", ""),
    Pattern::new("volume-multi-attach", Severity::High, ATTACH, r#"Multi-Attach error for volume "([^"]+)" Volume is already (?:used by pod\(s\) (.+)|exclusively attached to one node.*)"#, "Volume `{1}` is still attached to another node, where it is in use ({2}).")
        .fix(Risk::Medium, "Let the old pod end first: `strategy: Recreate` for a Deployment with a ReadWriteOnce volume; if its node is lost, taint it `node.kubernetes.io/out-of-service`")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) db-0", "AttachVolume.Attach failed for volume \"pvc-1\""),
    Pattern::new("ebs-attach-failed", Severity::High, ATTACH, r#"AttachVolume\.Attach failed for volume "([^"]+)" ?: (.*)"#, "Volume `{1}` cannot be attached: {2}.")
        .fix(Risk::Low, "Correct what the message names: a deleted volume, one in use elsewhere, the limit of the instance, or a CSI node plugin that does not run")
        .at(Depth::Reference, 7)
        .like("AttachVolume.Attach failed for volume \"pvc-1\" : rpc error: code = Internal desc = Could not attach volume \"vol-1\" to node \"i-1\": attachment limit exceeded", "Multi-Attach error for volume \"pvc-1\" Volume is already exclusively attached to one node and can't be attached to another"),
    Pattern::new("csi-node-plugin-missing", Severity::High, On::Event(&["FailedMount", "FailedAttachVolume"]), r"(?:driver name (\S+) not found in the list of registered CSI drivers|CSINode \S+ does not contain driver)", "The CSI driver `{1}` does not run on the node of the pod.")
        .fix(Risk::Low, "Look at the driver's DaemonSet pod on that node: taints it does not tolerate, crashes, or Fargate")
        .at(Depth::Reference, 9)
        .like("MountVolume.MountDevice failed for volume \"pvc-1\" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name ebs.csi.aws.com not found in the list of registered CSI drivers", "mount failed: exit status 32"),
    Pattern::new("volume-mount-failed-fs", Severity::High, MOUNT, r"(wrong fs type, bad option, bad superblock|fsck found errors|Structure needs cleaning)", "The file system of the volume cannot be mounted: {1}.")
        .fix(Risk::High, "Check `fsType`; if the file system is damaged, restore a snapshot before repairing it")
        .at(Depth::Reference, 8)
        .like("MountVolume.MountDevice failed for volume \"pvc-1\" : mount failed: exit status 32 Output: mount: wrong fs type, bad option, bad superblock on /dev/nvme1n1", "configmap \"x\" not found"),
    Pattern::new("mount-configmap-missing", Severity::High, MOUNT, r#"MountVolume\.SetUp failed for volume "([^"]+)" ?: configmap "([^"]+)" not found"#, "ConfigMap `{2}`, which volume `{1}` mounts, does not exist in the namespace (not found).")
        .fix(Risk::Low, "Create the ConfigMap, or correct its name in the volume")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("MountVolume.SetUp failed for volume \"config\" : configmap \"app-config\" not found", "MountVolume.SetUp failed for volume \"tls\" : secret \"web-tls\" not found"),
    Pattern::new("mount-secret-missing", Severity::High, MOUNT, r#"MountVolume\.SetUp failed for volume "([^"]+)" ?: secret "([^"]+)" not found"#, "Secret `{2}`, which volume `{1}` mounts, does not exist in the namespace (not found).")
        .fix(Risk::Low, "Create the Secret, or correct its name in the volume; an ExternalSecret or Certificate that should make it may have failed")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("MountVolume.SetUp failed for volume \"tls\" : secret \"web-tls\" not found", "MountVolume.SetUp failed for volume \"config\" : configmap \"app-config\" not found"),
    Pattern::new("config-key-missing", Severity::High, MOUNT, r#"MountVolume\.SetUp failed for volume "([^"]+)" ?: (?:references non-existent (?:config|secret) key: (\S+))"#, "Volume `{1}` takes a key `{2}` that its ConfigMap or Secret does not have.")
        .fix(Risk::Low, "Add the key, or correct `items[].key` of the volume")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("MountVolume.SetUp failed for volume \"config\" : references non-existent config key: app.yaml", "MountVolume.SetUp failed for volume \"config\" : configmap \"app-config\" not found"),
    Pattern::new("mount-hostpath-type", Severity::Medium, MOUNT, r"hostPath type check failed: (\S+) is not (?:a |an )?(.+)", "The node has no {2} at `{1}`, which a hostPath volume asks for.")
        .fix(Risk::Low, "Use `DirectoryOrCreate`, or correct the path")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("MountVolume.SetUp failed for volume \"host\" : hostPath type check failed: /var/data is not a directory", ""),
    Pattern::new("mount-sa-token", Severity::Medium, MOUNT, r#"MountVolume\.SetUp failed for volume "kube-api-access-[^"]+" ?: failed to fetch token: (.*)"#, "The token of the service account cannot be had: {1}.")
        .fix(Risk::Low, "Create the service account that the pod names, or look at the API server")
        .at(Depth::Reference, 8)
        .like("MountVolume.SetUp failed for volume \"kube-api-access-x7d2k\" : failed to fetch token: serviceaccounts \"web\" not found", ""),
    Pattern::new("mount-secrets-store", Severity::High, MOUNT, r"(?s)(?:failed to mount secrets store objects for pod [^,]+, err: (.*)|(SecretProviderClass\S* .*not found)|(driver name secrets-store\.csi\.k8s\.io not found).*)", "The secrets of the Secrets Store driver cannot be mounted: {1}{2}{3}.")
        .fix(Risk::Low, "Allow the pod's role to read the secret, correct its name in the SecretProviderClass, or install the provider")
        .at(Depth::Reference, 9)
        .like("MountVolume.SetUp failed for volume \"secrets\" : rpc error: code = Unknown desc = failed to mount secrets store objects for pod shop/web-1, err: rpc error: code = Unknown desc = AccessDeniedException: not authorized", "secret \"web-tls\" not found"),
    Pattern::new("efs-access-denied", Severity::High, MOUNT, r"access denied by server while mounting (\S+)", "EFS denies the mount of `{1}`.")
        .fix(Risk::Low, "Check file system policy, access point and the `iam` and `tls` mount options; it is no network problem")
        .at(Depth::Reference, 9)
        .like("mount.nfs4: access denied by server while mounting 127.0.0.1:/", "mount.nfs4: Connection timed out"),
    Pattern::new("efs-timeout", Severity::High, MOUNT, r"mount\.nfs4?: (?:mount point .* )?Connection timed out", "The EFS file system does not answer the node.")
        .fix(Risk::Low, "Make a mount target in the node's zone, and let its security group take port 2049 from the nodes")
        .at(Depth::Reference, 9)
        .like("Output: mount.nfs4: Connection timed out", "mount.nfs4: access denied by server while mounting 127.0.0.1:/"),
    Pattern::new("efs-dns", Severity::High, MOUNT, r#"(?:Failed to resolve "(fs-[^"]+)"|Name or service not known)"#, "The name of the EFS file system cannot be resolved (`{1}`).")
        .fix(Risk::Low, "Enable DNS support and hostnames in the VPC and make a mount target in the zone; from another VPC use the mount target's address")
        .at(Depth::Reference, 9)
        .like("Failed to resolve \"fs-0123.efs.eu-west-1.amazonaws.com\" - check that your file system ID is correct", "Connection timed out"),
    Pattern::new("s3-mountpoint-denied", Severity::Medium, MOUNT, r"(?is)s3.*?(is not authorized to perform: s3:\w+(?: on resource: \x22?[^\s\x22]+)?|No signing credentials available|Access Denied|NoSuchBucket|403 Forbidden|Forbidden: [^\n]+)", "The S3 bucket cannot be mounted: {1}.")
        .fix(Risk::Low, "Give the driver's or the pod's role access to the bucket, and check name and Region")
        .at(Depth::Reference, 8)
        .like("Could not mount \"my-bucket\": Mount failed: Mountpoint for Amazon S3: Error: Access Denied (403)", ""),
    Pattern::new("mount-timeout-generic", Severity::Low, MOUNT, r"Unable to attach or mount volumes: unmounted volumes=\[([^\]]*)\]", "The volumes {1} of the pod are not mounted.")
        .fix(Risk::None, "Look at the events of the volumes' claims and at the CSI driver on the node")
        .sure(Confidence::Low)
        .at(Depth::Pod, 1)
        .like("Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data kube-api-access-x]: timed out waiting for the condition", ""),
];
