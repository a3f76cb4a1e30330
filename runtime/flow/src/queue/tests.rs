use super::Queue;
use crate::Interrupted;
use crate::Trigger;
use crate::tests::Server;
use crate::tests::run;
use std::future::ready;
use std::time::Duration;
use tidegate_kube::Key;
use tidegate_values::ObjectRef;

/// What ends a wait for a new spec alone.
fn is_spec(trigger: &Trigger) -> bool {
    *trigger == Trigger::Spec
}

/// Work that ends when it should have been given up long ago.
async fn too_long() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_a_wait_ends_for_is_not_lost_behind_later_triggers() {
    let key = Key::new("ns", "app");
    let mut queue = Queue::default();
    queue.push(&key, Trigger::Due);
    let (taken, interrupts) = queue.take_due().pop().unwrap();
    assert_eq!(taken, key);
    let (_server, client) = Server::start().await;
    let run = run(client, interrupts).await;

    // It is why the reconcile runs, and no reason to give anything up.
    assert_eq!(run.waiting(ready(1), |_| true).await, Ok(1));
    let source = Trigger::Reference(ObjectRef::default());
    for trigger in [
        Trigger::Moved,
        Trigger::Spec,
        source.clone(),
        Trigger::Requested,
        Trigger::Moved,
        Trigger::Due,
    ] {
        queue.push(&key, trigger);
    }
    let ended = run.waiting(too_long(), is_spec).await;
    assert_eq!(ended, Err(Interrupted(Trigger::Spec)));
    // Reading takes nothing away from the next wait, which may end for something else.
    let ended = run.waiting(too_long(), |other| *other == source).await;
    assert_eq!(ended, Err(Interrupted(source)));
    let is_deleted = |trigger: &Trigger| *trigger == Trigger::Deleted;
    assert_eq!(run.waiting(ready(2), is_deleted).await, Ok(2));

    // A deletion is heard of while the wait is under way, whatever comes with it.
    let (ended, ()) = tokio::join!(run.waiting(too_long(), is_deleted), async {
        tokio::task::yield_now().await;
        queue.push(&key, Trigger::Deleted);
        queue.push(&key, Trigger::Moved);
    });
    assert_eq!(ended, Err(Interrupted(Trigger::Deleted)));
}
