use std::sync::Arc;

use futures::StreamExt as _;
use kube::Client;
use serde_json::Value;
use tidegate_values::ObjectRef;

use crate::{
    error::RequestError,
    mapper::{Mapper, Resource},
    request::{self, Place},
};

/// Reads objects as the account of `client`, `concurrent` at a time, in the order asked. An object that is not there
/// is `None`; so is one whose definition is gone. `RequestError::is_forbidden` tells what the account may not read.
pub async fn read_live(
    client: &Client,
    mapper: &Mapper,
    objects: &[ObjectRef],
    concurrent: usize,
) -> Vec<(ObjectRef, Result<Option<Value>, RequestError>)> {
    // By index: a closure over references makes a future that can't move between threads.
    let reads = (0..objects.len()).map(|index| async move {
        let object = &objects[index];
        (object.clone(), read_one(client, mapper, object).await)
    });
    futures::stream::iter(reads)
        .buffered(concurrent.max(1))
        .collect()
        .await
}

/// Reads one object; an unknown kind is an error here. Where the path is not served, nothing is there to be healthy, as
/// in Flux, and the kind is looked up anew the next time.
pub async fn read_one(
    client: &Client,
    mapper: &Mapper,
    object: &ObjectRef,
) -> Result<Option<Value>, RequestError> {
    let resource = mapper.resolve(&object.api_version, &object.kind).await?;
    match present(request::get(client, &place(&resource, object)).await) {
        Err(error) if error.is_unserved() => {
            mapper.refresh(&object.api_version).await;
            Ok(None)
        }
        read => read,
    }
}

/// Reads the pods of a namespace that a label selector, as the API takes it, selects.
pub async fn read_pods(
    client: &Client,
    namespace: &str,
    labels: &str,
) -> Result<Vec<Value>, RequestError> {
    let mut list = request::list(client, &Resource::pods(), namespace, labels).await?;
    let mut pods = match list.get_mut("items").map(Value::take) {
        Some(Value::Array(pods)) => pods,
        _ => Vec::new(),
    };
    for pod in &mut pods {
        // The items of a list do not say what they are.
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
    }
    Ok(pods)
}

/// How the server names the objects: those of cluster scope lose the namespace that a manifest may give them.
/// Objects of unknown kinds stay as they are.
pub async fn identify(
    mapper: &Mapper,
    objects: impl IntoIterator<Item = ObjectRef>,
) -> Vec<ObjectRef> {
    let mut named = Vec::new();
    for mut object in objects {
        if let Ok(resource) = mapper.resolve(&object.api_version, &object.kind).await {
            object = canonical(&resource, object);
        }
        named.push(object);
    }
    named
}

pub(crate) fn canonical(resource: &Resource, mut object: ObjectRef) -> ObjectRef {
    if !resource.namespaced {
        object.namespace.clear();
    }
    object
}

pub(crate) fn place<'a>(resource: &'a Arc<Resource>, object: &'a ObjectRef) -> Place<'a> {
    Place {
        resource,
        namespace: &object.namespace,
        name: &object.name,
    }
}

/// `None` for an object that is not there. That the path is not served is an error: it says nothing of the object.
pub(crate) fn present(answer: Result<Value, RequestError>) -> Result<Option<Value>, RequestError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() && !error.is_unserved() => Ok(None),
        Err(error) => Err(error),
    }
}
