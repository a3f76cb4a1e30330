use kube::Api;
use kube::Client;
use kube::Resource;
use kube::core::NamespaceResourceScope;

/// Where objects are watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// In all namespaces, and those that are in none.
    All,
    /// In one namespace (`--watch-all-namespaces=false`), for accounts that have rights in that one alone.
    Namespace(String),
}

impl Scope {
    /// Reads the objects of a kind that is known when we are built.
    pub fn api<K>(&self, client: Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::All => Api::all(client),
            Self::Namespace(namespace) => Api::namespaced(client, namespace),
        }
    }

    /// The same for a kind that is known when we run.
    pub fn api_with<K>(&self, client: Client, kind: &K::DynamicType) -> Api<K>
    where
        K: Resource<Scope = kube::core::DynamicResourceScope>,
    {
        match self {
            Self::All => Api::all_with(client, kind),
            Self::Namespace(namespace) => Api::namespaced_with(client, namespace, kind),
        }
    }

    /// Whether objects of this namespace are seen.
    pub fn has(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(own) => own == namespace,
        }
    }
}
