"""The names that users and other programs depend on. Everything upstream OpenELB had keeps its name."""

GROUP = "network.kubesphere.io"
VERSION = "v1alpha2"
NAMESPACE = "openelb-system"
LOAD_BALANCER_CLASS = "openelb.io/openelb"

# On Services, set by users.
OPT_IN = "lb.kubesphere.io/v1alpha1"
OPT_IN_VALUE = "openelb"
REQUESTED_ADDRESS = "eip.openelb.kubesphere.io/v1alpha1"
REQUESTED_POOL = "eip.openelb.kubesphere.io/v1alpha2"
REQUESTED_PROTOCOL = "protocol.openelb.kubesphere.io/v1alpha1"
ADDRESSES = "openelb.io/addresses"
POOLS = "openelb.io/pools"
COUNT = "openelb.io/count"
SHARING_KEY = "openelb.io/sharing-key"
MIGRATE_TO = "openelb.io/migrate-to"
NODE_PROXY = "node-proxy.openelb.kubesphere.io/type"
# Put on Services by older releases that gave them node-proxy, which nobody provides any more.
NODE_PROXY_FINALIZER = "node-proxy.openelb.kubesphere.io/finalizer"
NODE_PROXY_KINDS = frozenset({"deployment", "daemonset"})

# On Services, set by the manager: the pool in use, and the guard that releases its address.
POOL_LABEL = "eip.openelb.kubesphere.io/v1alpha2"
SERVICE_FINALIZER = "finalizer.lb.kubesphere.io/v1alpha1"
ADDRESS_ALLOCATED = "openelb.io/AddressAllocated"
ANNOUNCED = "openelb.io/Announced"
MOVING = "openelb.io/Moving"
CONFLICT = "openelb.io/AddressConflict"

# On Eips.
DEFAULT_POOL = "eip.openelb.kubesphere.io/is-default-eip"
CNI_LABEL = "openelb.kubesphere.io/cni"
FORCE = "openelb.io/force"
POOL_FINALIZER = "finalizer.ipam.kubesphere.io/v1alpha1"
READY = "Ready"
EXHAUSTED = "Exhausted"
OVERLAPPING = "Overlapping"

# On BgpConfs and BgpPeers: the first was put there by older releases.
BGP_FINALIZER = "finalizer.lb.kubesphere.io/v1alpha1"
ESTABLISHED = "Established"

# On Nodes. The first was read by OpenELB 0.5, the second is that of `openelb drain`, the third Kubernetes' own.
NODE_ADDRESS = "layer2.openelb.kubesphere.io/v1alpha1"
DRAINED = "openelb.io/drained"
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"

# Leases in our namespace.
LEADER_LEASE = "openelb-manager"
SPEAKER_LEASE_PREFIX = "openelb-speaker-"
LINKS = "openelb.io/links"
NODE = "openelb.io/node"
HOLDS = "openelb.io/holds"
PROBED = "openelb.io/probed"
TAKEN = "openelb.io/taken"
UNHEARD = "openelb.io/unheard"
LEAVES = "openelb.io/leaves-when-cordoned"
TAINTED = "openelb.io/tainted"
BGP = "openelb.io/bgp"

# Another Lease there, by which the manager says which addresses are to be asked about.
PROBES_LEASE = "openelb-probes"
PROBE = "openelb.io/probe"

DAEMON_SET = "openelb-speaker"

# What the speakers seal their heartbeats with: a Secret that the manager makes.
HEARTBEAT_SECRET = "openelb-heartbeat"  # noqa: S105
# Its keys, and the names of the files where it is mounted.
CURRENT_KEY, PREVIOUS_KEY = "current", "previous"

# The webhook: its configuration, which upstream has under this name as well, its Service, and the Secret of its certificate.
WEBHOOK_CONFIGURATION = "openelb-admission"
WEBHOOK_SERVICE = "openelb-webhook"
WEBHOOK_CERTIFICATE = "openelb-webhook-cert"

# On Nodes: the rack, whose autonomous system `spec.asPerRack` of the BgpConf may name.
RACK_LABEL = "openelb.kubesphere.io/rack"

# On Services: what their routes are announced with, and to which BgpPeers.
COMMUNITIES = "openelb.io/communities"
LARGE_COMMUNITIES = "openelb.io/large-communities"
LOCAL_PREFERENCE = "openelb.io/local-preference"
MED = "openelb.io/med"
PEERS = "openelb.io/peers"

# Where the passwords of BGP sessions are: speakers may read this Secret.
BGP_SECRET = "openelb-bgp"  # noqa: S105
