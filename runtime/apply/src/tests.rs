use std::time::Duration;

use super::*;

fn is_send<T: Send>(value: T) -> T {
    value
}

// Controllers run these on a runtime of several threads.
#[expect(dead_code, reason = "it is enough that this compiles")]
fn futures_can_move_between_threads(
    client: &kube::Client,
    mapper: &Mapper,
    owner: &Owner,
    settings: &Settings,
) {
    let previous = Previous::default();
    drop(is_send(apply(
        client,
        mapper,
        owner,
        Vec::new(),
        &previous,
        settings,
        &IdleWaiter,
    )));
    drop(is_send(prune(
        client,
        mapper,
        owner,
        Vec::new(),
        &Inventory::default(),
        4,
        &IdleWaiter,
    )));
    drop(is_send(read_live(client, mapper, &[], 4)));
    drop(is_send(identify(mapper, Vec::new())));
    drop(is_send(wait_for_termination(
        client,
        mapper,
        &ChangeSet::default(),
        Duration::ZERO,
    )));
}
