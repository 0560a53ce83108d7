//! What controllers and admission say: pods that are not made, jobs, autoscalers, namespaces, GitOps.

use super::{On, Pattern};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::finding::{Depth, Severity};

const CREATE: On = On::Event(&["FailedCreate"]);

pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::new("psa-rejected", Severity::High, CREATE, r#"violates PodSecurity "([^"]+)": (.*)"#, "Pod Security admission rejects the pods of {what}: they violate the level \"{1}\" that the namespace enforces ({2}).")
        .fix(Risk::Low, "Set the fields of `securityContext` that the message names, or lower the namespace's label `pod-security.kubernetes.io/enforce`")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: pods \"web-7d9f-\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"web\" must set securityContext.allowPrivilegeEscalation=false)", "Error creating: pods \"web-7d9f-\" is forbidden: exceeded quota: compute"),
    Pattern::new("quota-exceeded", Severity::High, CREATE, r"exceeded quota: (\S+), requested: (.+), used: (.+), limited: (.+)", "Quota `{1}` leaves no room for the pods of {what}: requested {2}, used {3}, limited to {4}.")
        .fix(Risk::Low, "Raise the ResourceQuota, lower the requests, or remove other pods; a rolling update needs room for one more pod")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: pods \"web-7d9f-\" is forbidden: exceeded quota: compute, requested: requests.cpu=2, used: requests.cpu=9, limited: requests.cpu=10", "Error creating: pods \"web-\" is forbidden: failed quota: compute: must specify limits.cpu"),
    Pattern::new("quota-must-specify", Severity::High, CREATE, r"failed quota: (\S+): must specify ([^;]+?)(?: for: (.*))?$", "Quota `{1}` takes only pods that specify {2}, which the pods of {what} do not ({3}).")
        .fix(Risk::Low, "Set these requests and limits in the template, or add a LimitRange with defaults")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: pods \"web-\" is forbidden: failed quota: compute: must specify limits.cpu for: web", "exceeded quota: compute, requested: pods=1, used: pods=10, limited: pods=10"),
    Pattern::new("quota-scope", Severity::Low, CREATE, r"insufficient quota to match these scopes: (.*)", "No quota allows pods of this scope: {1}.")
        .fix(Risk::Low, "Add a ResourceQuota for the PriorityClass in this namespace")
        .at(Depth::Reference, 9)
        .like("Error creating: insufficient quota to match these scopes: [{PriorityClass In [system-cluster-critical]}]", ""),
    Pattern::new("limitrange-violation", Severity::Medium, CREATE, r"((?:maximum|minimum) \S+ usage per (?:Container|Pod|PersistentVolumeClaim) is [^,]+, but (?:limit|request) is [^,.\]]+|\S+ max limit to request ratio per \S+ is [^,]+, but provided ratio is \S+)", "A LimitRange refuses the pods of {what}: {1}.")
        .fix(Risk::Low, "Change the request or limit, or the LimitRange")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: pods \"web-\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi", ""),
    Pattern::new("sa-missing", Severity::High, CREATE, r#"error looking up service account ([^:]+): serviceaccount "([^"]+)" not found"#, "The service account `{1}` of the pods of {what} does not exist.")
        .fix(Risk::Low, "Create the service account, or correct `serviceAccountName`")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: pods \"web-\" is forbidden: error looking up service account shop/web: serviceaccount \"web\" not found", "Error creating: pods \"web-\" is forbidden: exceeded quota: compute"),
    Pattern::new("priority-admission", Severity::Low, CREATE, r"no PriorityClass with name (\S+) was found", "The PriorityClass `{1}` of the pods of {what} does not exist.")
        .fix(Risk::Low, "Create the PriorityClass, or correct `priorityClassName`")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: pods \"web-\" is forbidden: no PriorityClass with name urgent was found", ""),
    Pattern::new("device-or-runtimeclass-missing", Severity::Medium, CREATE, r#"RuntimeClass "([^"]+)" not found"#, "The RuntimeClass `{1}` of the pods of {what} does not exist.")
        .fix(Risk::Low, "Create the RuntimeClass, or correct `runtimeClassName`")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: pods \"web-\" is forbidden: pod rejected: RuntimeClass \"gvisor\" not found", ""),
    Pattern::new("webhook-service-missing", Severity::Critical, On::Event(&[]), r#"failed calling webhook "([^"]+)".*service "([^"]+)" not found"#, "Admission webhook `{1}` cannot be called: its Service `{2}` does not exist, so that nothing it applies to can be made.")
        .fix(Risk::Medium, "Install its backend again, or delete the webhook configuration that was left behind")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: Internal error occurred: failed calling webhook \"v.kyverno.io\": failed to call webhook: Post \"https://kyverno-svc.kyverno.svc:443/validate?timeout=10s\": service \"kyverno-svc\" not found", "admission webhook \"v.kyverno.io\" denied the request: no"),
    Pattern::new("webhook-no-endpoints", Severity::Critical, On::Event(&[]), r#"failed calling webhook "([^"]+)".*no endpoints available for service "([^"]+)""#, "Admission webhook `{1}` cannot be called: Service `{2}` has no ready pods, so that nothing it applies to can be made.")
        .fix(Risk::Medium, "Restore the pods behind the Service; in an emergency set `failurePolicy: Ignore`")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: Internal error occurred: failed calling webhook \"mservice.elbv2.k8s.aws\": failed to call webhook: Post \"https://aws-load-balancer-webhook-service.kube-system.svc:443/x?timeout=10s\": no endpoints available for service \"aws-load-balancer-webhook-service\"", "failed calling webhook \"x\": context deadline exceeded"),
    Pattern::new("webhook-timeout", Severity::High, On::Event(&[]), r#"failed calling webhook "([^"]+)".*(context deadline exceeded|Client\.Timeout exceeded|i/o timeout)"#, "Admission webhook `{1}` does not answer in time ({2}).")
        .fix(Risk::Low, "Let the control plane reach the webhook's port on the nodes in their security group, and look at its pods")
        .at(Depth::Reference, 8)
        .like("Error creating: Internal error occurred: failed calling webhook \"v.kyverno.io\": failed to call webhook: Post \"https://kyverno-svc.kyverno.svc:443/validate?timeout=10s\": context deadline exceeded", "failed calling webhook \"v.kyverno.io\": x509: certificate signed by unknown authority"),
    Pattern::new("webhook-tls-ca", Severity::High, On::Event(&[]), r#"failed calling webhook "([^"]+)".*(x509: .+)"#, "The certificate of admission webhook `{1}` is not accepted: {2}.")
        .fix(Risk::Low, "Renew the certificate, or the `caBundle` of the webhook configuration")
        .at(Depth::Reference, 9)
        .like("Error creating: Internal error occurred: failed calling webhook \"v.kyverno.io\": failed to call webhook: tls: failed to verify certificate: x509: certificate signed by unknown authority", "failed calling webhook \"v.kyverno.io\": context deadline exceeded"),
    Pattern::new("webhook-connection-refused", Severity::High, On::Event(&[]), r#"failed calling webhook "([^"]+)".*(connect: connection refused)"#, "Nothing listens where admission webhook `{1}` is called ({2}).")
        .fix(Risk::Low, "Correct the port of the webhook's Service, or restart its pods")
        .at(Depth::Reference, 9)
        .like("failed calling webhook \"v.kyverno.io\": failed to call webhook: Post \"https://kyverno-svc.kyverno.svc:443/validate\": dial tcp 10.100.1.2:443: connect: connection refused", "failed calling webhook \"x\": context deadline exceeded"),
    Pattern::new("webhook-denied", Severity::Medium, On::Event(&[]), r#"(?:admission webhook "([^"]+)" denied the request: (?s:\s*(.*))|ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: (?s:\s*(.*)))"#, "Admission policy `{1}{3}` refuses the pods of {what}: {2}{4}.")
        .fix(Risk::Low, "Change what the policy names, or have the policy changed")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: admission webhook \"validate.kyverno.svc-fail\" denied the request: resource Pod/shop/web was blocked due to the following policies", ""),
    Pattern::new("namespace-terminating", Severity::Medium, On::Event(&[]), r"unable to create new content in namespace (\S+) because it is being terminated", "Namespace `{1}` is being deleted, so that nothing new is made in it.")
        .fix(Risk::Low, "Wait until it is gone, then create it anew")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Error creating: pods \"web-\" is forbidden: unable to create new content in namespace shop because it is being terminated", ""),
    Pattern::new("apiserver-validation", Severity::Medium, CREATE, r"is invalid: (.+)", "The API server refuses the pods of {what}: {1}.")
        .fix(Risk::Low, "Correct the field that the message names in the template")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("Error creating: Pod \"web-1\" is invalid: spec.containers[0].volumeMounts[0].name: Not found: \"data\"", ""),
    Pattern::new("job-backoff-limit", Severity::High, On::Condition("Failed"), r"^BackoffLimitExceeded: (.*)", "{what} has given up: its pods failed more often than `backoffLimit` allows.")
        .fix(Risk::Low, "Correct why its pods fail, then create the Job anew")
        .sure(Confidence::Certain)
        .at(Depth::Target, 5)
        .like("BackoffLimitExceeded: Job has reached the specified backoff limit", "DeadlineExceeded: Job was active longer than specified deadline"),
    Pattern::new("job-deadline", Severity::Medium, On::Condition("Failed"), r"^DeadlineExceeded: (.*)", "{what} was ended because it ran longer than `activeDeadlineSeconds`: {1}.")
        .fix(Risk::Low, "Raise `activeDeadlineSeconds`, or find why the work takes so long")
        .sure(Confidence::Certain)
        .at(Depth::Pod, 8)
        .like("DeadlineExceeded: Job was active longer than specified deadline", ""),
    Pattern::new("job-pod-failure-policy", Severity::Medium, On::Condition("Failed"), r"^PodFailurePolicy: (.*)", "{what} was ended by its pod failure policy: {1}.")
        .fix(Risk::Low, "Correct why the pod failed with this code")
        .sure(Confidence::Certain)
        .at(Depth::Target, 6)
        .like("PodFailurePolicy: Container main for pod shop/import-x failed with exit code 3 matching FailJob rule at index 0", ""),
    Pattern::new("job-failed-indexes", Severity::Medium, On::Condition("Failed"), r"^(FailedIndexes|MaxFailedIndexesExceeded): (.*)", "Indexes of {what} have failed: {2}.")
        .fix(Risk::Low, "Correct why the pods of the failed indexes end")
        .sure(Confidence::Certain)
        .at(Depth::Target, 6)
        .like("FailedIndexes: Job has failed indexes", ""),
    Pattern::new("cronjob-invalid-schedule", Severity::Medium, On::Event(&["UnparseableSchedule", "InvalidSchedule", "UnknownTimeZone"]), r"(\S(?s:.*))", "The schedule of {what} cannot be read: {1}.")
        .fix(Risk::Low, "Correct `spec.schedule` or `spec.timeZone`")
        .sure(Confidence::Certain)
        .at(Depth::Target, 9)
        .like("unparseable schedule \"61 * * * *\": end of range (61) above maximum (59)", ""),
    Pattern::new("cronjob-missed", Severity::Medium, On::Event(&["MissSchedule", "TooManyMissedTimes"]), r"(\S(?s:.*))", "{what} missed its time: {1}.")
        .fix(Risk::Low, "Raise `startingDeadlineSeconds`, and check that it was not suspended for long")
        .at(Depth::Target, 6)
        .like("Missed scheduled time to start a job: Tue, 24 Nov 2026 02:00:00 +0000", ""),
    Pattern::new("cronjob-forbid-overlap", Severity::Info, On::Event(&["JobAlreadyActive"]), r"(\S(?s:.*))", "{what} starts no job while the one before it still runs: {1}.")
        .fix(Risk::Low, "Find why the job takes so long, or choose another `concurrencyPolicy`")
        .at(Depth::Target, 4)
        .like("Not starting job because prior execution is running and concurrency policy is Forbid", ""),
    Pattern::new("deployment-progress-deadline", Severity::High, On::Condition("Progressing"), r"^ProgressDeadlineExceeded: (.*)", "The rollout of {what} makes no progress: {1}")
        .fix(Risk::Medium, "Find why the new pods do not become ready, or roll back with `kubectl rollout undo`")
        .at(Depth::Target, 3)
        .like("ProgressDeadlineExceeded: ReplicaSet \"web-7d9f\" has timed out progressing.", "NewReplicaSetAvailable: ReplicaSet \"web-7d9f\" has successfully progressed."),
    Pattern::new("hpa-missing-requests", Severity::High, On::Condition("ScalingActive"), r"(?:FailedGet\w+: .*)?missing request for (\w+)(?: in container (\S+))? of Pod (\S+)", "{what} cannot compute utilization: container `{2}` of pod `{3}` has no {1} request.")
        .fix(Risk::Medium, "Set the request in the template of the scaled workload")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container web of Pod web-1", "FailedGetResourceMetric: the HPA was unable to compute the replica count: no metrics returned from resource metrics API"),
    Pattern::new("hpa-no-metrics", Severity::High, On::Condition("ScalingActive"), r"(unable to fetch metrics from resource metrics API[^;]*|no metrics returned from resource metrics API|did not receive metrics for (?:any ready|targeted) pods[^;]*)", "{what} has no metrics to scale by: {1}.")
        .fix(Risk::Low, "Install metrics-server, or look at its pods and its APIService `v1beta1.metrics.k8s.io`")
        .at(Depth::Reference, 8)
        .like("FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)", "FailedGetResourceMetric: missing request for cpu in container web of Pod web-1"),
    Pattern::new("hpa-custom-metric", Severity::Medium, On::Condition("ScalingActive"), r"^(FailedGetExternalMetric|FailedGetPodsMetric|FailedGetObjectMetric): (.*)", "{what} cannot read its metric ({1}): {2}.")
        .fix(Risk::Low, "Look at the metrics adapter and at the name of the metric")
        .at(Depth::Reference, 7)
        .like("FailedGetExternalMetric: unable to get external metric shop/queue_length", ""),
    Pattern::new("hpa-target-missing", Severity::Medium, On::Condition("AbleToScale"), r"^(FailedGetScale|FailedUpdateScale): (.*)", "{what} cannot scale its target: {2}.")
        .fix(Risk::Low, "Correct `scaleTargetRef`")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("FailedGetScale: the HPA controller was unable to get the target's current scale: deployments.apps \"web\" not found", ""),
    Pattern::new("hpa-target-missing", Severity::Medium, On::Condition("ScalingActive"), r"^(AmbiguousSelector|ScalingDisabled|InvalidSelector): (.*)", "{what} does not scale ({1}): {2}.")
        .fix(Risk::Low, "Correct the selector, or scale the workload to one or more")
        .at(Depth::Reference, 8)
        .like("ScalingDisabled: scaling is disabled since the replica count of the target is zero", ""),
    Pattern::new("hpa-at-max", Severity::Medium, On::Condition("ScalingLimited"), r"^TooManyReplicas: (.*)", "{what} is at its maximum and would scale further: {1}.")
        .fix(Risk::Low, "Raise `maxReplicas`, if nodes and budget allow")
        .at(Depth::Target, 7)
        .like("TooManyReplicas: the desired replica count is more than the maximum replica count", ""),
    Pattern::new("pdb-blocks-eviction", Severity::High, On::Event(&[]), r"(Cannot evict pod as it would violate the pod's disruption budget|[Pp]db \S+ prevents pod evictions?|This pod has more than one PodDisruptionBudget)", "A PodDisruptionBudget keeps the pod from being evicted: {1}.")
        .fix(Risk::Medium, "Add a replica, allow one disruption, or set `unhealthyPodEvictionPolicy: AlwaysAllow` for pods that are broken anyway")
        .at(Depth::Reference, 8)
        .like("Cannot evict pod as it would violate the pod's disruption budget.", "Evicted pod: node was low on memory"),
    Pattern::new("pdb-blocks-eviction", Severity::High, On::Condition("DisruptionAllowed"), r"^InsufficientPods: ?(.*)", "{what} allows no disruption at the moment: not enough of its pods are ready.")
        .fix(Risk::Medium, "Add replicas, or lower `minAvailable`")
        .at(Depth::Target, 7)
        .like("InsufficientPods: ", "SufficientPods: "),
    Pattern::new("namespace-stuck", Severity::High, On::Condition("NamespaceFinalizersRemaining"), r"^SomeFinalizersRemain: (.*)", "{what} cannot be deleted: {1}.")
        .fix(Risk::Medium, "Let the controller that owns the finalizer do its work; remove a finalizer by hand only when that controller is gone for good")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/cleanup in 1 resource instances", "ContentRemoved: All content successfully removed"),
    Pattern::new("namespace-stuck", Severity::High, On::Condition("NamespaceDeletionDiscoveryFailure"), r"^DiscoveryFailed: (.*)", "{what} cannot be deleted, as an API does not answer: {1}.")
        .fix(Risk::Low, "Restore or delete the APIService that the message names")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("DiscoveryFailed: Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1", "ResourcesDiscovered: All resources successfully discovered"),
    Pattern::new("apiservice-unavailable", Severity::High, On::Condition("Available"), r"^(FailedDiscoveryCheck|MissingEndpoints|ServiceNotFound): (.*)", "{what} does not answer: {2}.")
        .fix(Risk::Low, "Restore the pods behind it, or delete it when its component is gone; until then discovery and namespace deletion suffer")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("MissingEndpoints: endpoints for service/metrics-server in \"kube-system\" have no addresses with port name \"https\"", "Passed: all checks passed"),
    Pattern::new("external-secret-not-synced", Severity::High, On::Condition("Ready"), r"^(SecretSyncedError|InvalidProviderConfig|SecretSyncError): (.*)", "{what} is not synced: {2}.")
        .fix(Risk::Low, "Correct name, key or permission that the message names")
        .at(Depth::Reference, 8)
        .like("SecretSyncedError: could not get secret data from provider: AccessDeniedException", "SecretSynced: Secret was synced"),
    Pattern::new("cert-manager-not-ready", Severity::Medium, On::Condition("Ready"), r"^(DoesNotExist|Issuing|IncorrectIssuer|Expired|Pending|Failed|InvalidRequest|SecretMismatch): (.*[Cc]ertificate.*)", "{what} is not ready ({1}): {2}.")
        .fix(Risk::Low, "Look at its CertificateRequest, Order and Challenge")
        .at(Depth::Reference, 6)
        .like("DoesNotExist: Issuing certificate as Secret does not exist", ""),
    Pattern::new("argocd-comparison-error", Severity::High, On::Condition("ComparisonError"), r"^: (.*)", "Argo CD cannot compare {what} with its source: {1}.")
        .fix(Risk::Low, "Correct repository, path, revision or template that the message names")
        .at(Depth::Reference, 8)
        .like(": failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = authentication required", "Ready: ok"),
    Pattern::new("ack-terminal-invalid", Severity::High, On::Condition("ACK.Terminal"), r"^[^:]*: (.*)", "AWS refuses {what} for good: {1}.")
        .fix(Risk::Low, "Correct the field that the message names; the controller does not try again by itself")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like(": InvalidParameterValue: DB instance class db.x is not supported", "no condition"),
    Pattern::new("ack-access-denied", Severity::High, On::Condition("ACK.Recoverable"), r"^[^:]*: (.*(?:AccessDenied|not authorized to perform).*)", "The ACK controller may not manage {what}: {1}.")
        .fix(Risk::Low, "Add the action to the role of the controller or capability")
        .at(Depth::Reference, 9)
        .like(": AccessDenied: User: arn:aws:sts::111122223333:assumed-role/ack/1 is not authorized to perform: s3:CreateBucket", ": Throttling: Rate exceeded"),
    Pattern::new("ack-throttled-or-quota", Severity::Medium, On::Condition("ACK.Recoverable"), r"^[^:]*: (.*(?:Throttl|Rate exceeded|LimitExceeded|QuotaExceeded).*)", "AWS holds back what {what} asks for: {1}.")
        .fix(Risk::Low, "Wait, or raise the quota")
        .at(Depth::Reference, 9)
        .like(": Throttling: Rate exceeded", ""),
    Pattern::new("ack-reference-unresolved", Severity::Medium, On::Condition("ACK.ReferencesResolved"), r"^[^:]*: (.*)", "{what} refers to a resource that is not ready: {1}.")
        .fix(Risk::Low, "Look at the resource that is referred to")
        .at(Depth::Reference, 8)
        .like(": Reference resolution failed", ""),
    Pattern::new("kro-rgd-invalid", Severity::High, On::Condition("GraphAccepted"), r"^[^:]*: (.*)", "The graph of {what} is not accepted: {1}.")
        .fix(Risk::Low, "Correct schema, expression or reference that the message names")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("InvalidResourceGraph: failed to build resource graph definition: cyclic dependency", "no condition"),
    Pattern::new("kro-instance-resources", Severity::High, On::Condition("ResourcesReady"), r"^[^:]*: (.*)", "Resources of {what} are not ready: {1}.")
        .fix(Risk::Low, "Look at the resource that the message names")
        .at(Depth::Reference, 7)
        .like("NotReady: resource deployment is not ready", "no condition"),
    Pattern::new("flux-reconcile-failed", Severity::Medium, On::Condition("Ready"), r"^(BuildFailed|ArtifactFailed|UpgradeFailed|InstallFailed|HealthCheckFailed|ReconciliationFailed|DependencyNotReady): (.*)", "Flux cannot reconcile {what} ({1}): {2}.")
        .fix(Risk::Low, "Correct what the message names in the source")
        .at(Depth::Reference, 7)
        .like("BuildFailed: kustomize build failed: accumulating resources", ""),
    Pattern::new("argocd-invalid-spec", Severity::High, On::Condition("InvalidSpecError"), r"^: (.*)", "The specification of {what} is invalid: {1}.")
        .fix(Risk::Low, "Correct project, destination, repository or path that the message names")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like(": application destination server 'x' and namespace 'y' do not match any of the allowed destinations in project 'default'", "no condition"),
    Pattern::new("argocd-deletion-error", Severity::High, On::Condition("DeletionError"), r"^: (.*)", "Argo CD cannot delete what belongs to {what}: {1}.")
        .fix(Risk::Medium, "Correct what the message names; remove the finalizer only when nothing of it is left")
        .at(Depth::Reference, 9)
        .like(": failed to delete resources: forbidden", "no condition"),
    Pattern::new("argocd-orphaned", Severity::Medium, On::Condition("OrphanedResourceWarning"), r"^: (.*)", "The namespace of {what} holds resources that no application owns: {1}.")
        .fix(Risk::Low, "Add them to an application, or ignore them in the project")
        .at(Depth::Target, 5)
        .like(": Application has 2 orphaned resources", ""),
    Pattern::new("argocd-outofsync-loop", Severity::Medium, On::Condition("SharedResourceWarning"), r"^: (.*)", "{what} and another application both manage the same resource: {1}.")
        .fix(Risk::Low, "Leave the resource to one of them")
        .at(Depth::Reference, 7)
        .like(": ConfigMap/shared is part of applications a and b", ""),
    Pattern::new("etcd-or-object-too-large", Severity::Medium, On::Event(&[]), r"(etcdserver: request is too large|must have at most 1048576 bytes|Request entity too large|mvcc: database space exceeded)", "An object of {what} is larger than the cluster stores: {1}.")
        .fix(Risk::Low, "Keep large data outside the cluster's objects")
        .at(Depth::Reference, 9)
        .like("etcdserver: request is too large", ""),
    Pattern::new("ack-resource-exists", Severity::Medium, On::Condition("ACK.Recoverable"), r"^[^:]*: (.*(?:already exists|AlreadyExists|AlreadyOwned).*)", "What {what} should create is there already: {1}.")
        .fix(Risk::Low, "Adopt the resource with the annotation `services.k8s.aws/adoption-policy`, or choose another name")
        .at(Depth::Reference, 9)
        .like(": BucketAlreadyOwnedByYou: the bucket already exists", ""),
    Pattern::new("kro-kind-not-ready", Severity::Medium, On::Condition("KindReady"), r"^[^:]*: (.*)", "The kind that {what} defines is not served yet: {1}.")
        .fix(Risk::Low, "Look at the generated CRD for a conflict of names")
        .at(Depth::Reference, 8)
        .like("NotReady: crd is not established", ""),
    Pattern::new("keda-scaledobject", Severity::Medium, On::Condition("Ready"), r"^(ScaledObjectCheckFailed|TriggerError|ScalerFailed): (.*)", "KEDA cannot scale by {what} ({1}): {2}.")
        .fix(Risk::Low, "Correct the trigger or its authentication")
        .at(Depth::Reference, 8)
        .like("ScaledObjectCheckFailed: ScaledObject doesn't have correct scaleTargetRef specification", ""),
    Pattern::new("generic-condition-false", Severity::Medium, On::Condition(""), r"(?s)^([^:]*): (.+)", "A condition of {what} says that something is wrong ({1}): {2}.")
        .fix(Risk::None, "Look at the controller of this kind and at what the message names")
        .sure(Confidence::Medium)
        .at(Depth::Target, 1)
        .like("ReconcileError: the database is not reachable", ""),
];
