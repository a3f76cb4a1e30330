use super::Flow;
use super::Options;
use super::Queue;
use super::Worker;
use super::begin;
use crate::Announcer;
use crate::Backoff;
use crate::Interrupted;
use crate::Kind;
use crate::Next;
use crate::Report;
use crate::Run;
use crate::Setup;
use crate::Trigger;
use crate::Workers;
use crate::tests::PODS;
use crate::tests::Server;
use crate::tests::ended;
use crate::tests::run;
use crate::workers::tests::Heard;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::ResourceExt as _;
use serde_json::Value;
use std::future::ready;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use tidegate_kube::Committer;
use tidegate_kube::Key;
use tidegate_kube::Recorder;
use tidegate_kube::Watched;
use tidegate_values::ObjectRef;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::task::JoinSet;

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

#[tokio::test]
async fn work_is_dropped_before_a_worker_is_waited_for() {
    let key = Key::new("ns", "app");
    let mut queue = Queue::default();
    queue.push(&key, Trigger::Due);
    let (_, interrupts) = queue.take_due().pop().unwrap();
    let (_server, client) = Server::start().await;
    let run = run(client, interrupts).await;
    let is_deleted = |trigger: &Trigger| *trigger == Trigger::Deleted;
    for deleted in [false, true] {
        let held = Arc::new(());
        let owned = Arc::clone(&held);
        let taken = Mutex::new(None);
        let is_gone = async {
            while Arc::strong_count(&held) > 1 {
                tokio::task::yield_now().await;
            }
            // Nobody else had the worker back meanwhile.
            taken.lock().unwrap().take().expect("a worker")
        };
        let work = async {
            *taken.lock().unwrap() = run.workers.take().await;
            if deleted {
                queue.push(&key, Trigger::Deleted);
                too_long().await;
            }
            drop(owned);
        };
        let both =
            async { tokio::join!(run.waiting(work, is_deleted), async { drop(is_gone.await) }) };
        let in_time = tokio::time::timeout(Duration::from_secs(4), both).await;
        let (ended, ()) = in_time.expect("what the work owns went before the worker came");
        assert_eq!(ended.is_err(), deleted);
    }
}

/// The first pod keeps its worker until it is let go; the others wait for nothing, which anything would end.
#[derive(Default)]
struct OneByOne {
    has_worker: Notify,
    let_go: Notify,
    waits: Mutex<Vec<Result<(), Interrupted>>>,
}

impl Kind for OneByOne {
    type Object = Pod;
    type Inputs = ();
    type Plan = ();
    type Outcome = ();

    const CONTROLLER: &'static str = "test-controller";

    async fn resolve(&self, _: &Arc<Pod>, _: &Run<Self>) {}

    fn plan(&self, _: &Pod, (): &(), _: Timestamp) -> Result<(), ()> {
        Ok(())
    }

    async fn act(&self, pod: &Arc<Pod>, (): &(), (): (), run: &Run<Self>) {
        if pod.name_any() == PODS[0] {
            self.has_worker.notify_one();
            self.let_go.notified().await;
        } else {
            let wait = run.waiting(ready(()), |_| true).await;
            self.waits.lock().unwrap().push(wait);
        }
    }

    fn report(&self, pod: &Pod, (): &(), (): &(), _: Timestamp, _: Duration) -> Report {
        ended(Self::status(pod))
    }

    fn status(pod: &Pod) -> Value {
        serde_json::to_value(&pod.status).unwrap()
    }
}

#[tokio::test]
async fn what_comes_before_the_worker_is_no_news() {
    let (_server, client) = Server::start().await;
    let config = kube::runtime::watcher::Config::default();
    let watched = Watched::start(Api::<Pod>::all(client.clone()), config);
    watched.wait_until_synced().await;
    let kind = Arc::new(OneByOne::default());
    let heard = Arc::new(Heard::default());
    let worker = Worker {
        kind: Arc::clone(&kind),
        committer: Arc::new(Committer::new(client.clone(), "test", Arc::clone(&watched))),
        watched,
        announcer: Announcer::new(Recorder::start(client), None),
        workers: Workers::new("Pod", 1, heard.clone()),
        observer: heard,
        backoff: Backoff::default(),
    };
    let mut queue = Queue::default();
    let mut running = JoinSet::new();
    let [first, second] = PODS.map(|name| Key::new("ns", name));
    for key in [&first, &second] {
        queue.push(key, Trigger::Due);
        for (key, interrupts) in queue.take_due() {
            worker.start(&mut running, key, interrupts);
        }
        if *key == first {
            kind.has_worker.notified().await;
        }
    }
    // The second is in line for the worker by now, and will see all of this in the object that it reads.
    for trigger in [Trigger::Spec, Trigger::Requested, Trigger::Deleted] {
        queue.push(&second, trigger);
    }
    kind.let_go.notify_one();
    for _ in PODS {
        let (key, next, failed) = running.join_next().await.unwrap().unwrap();
        queue.finish(&key, next, failed, true, &worker.backoff);
    }
    assert_eq!(*kind.waits.lock().unwrap(), [Ok(())]);
    let again: Vec<Key> = queue.take_due().into_iter().map(|(key, _)| key).collect();
    assert_eq!(again, []);
}

#[tokio::test]
async fn nothing_is_kept_for_a_queue_that_does_not_run() {
    let (_server, client) = Server::start().await;
    let config = kube::runtime::watcher::Config::default();
    let watched = Watched::start(Api::<Pod>::all(client.clone()), config);
    watched.wait_until_synced().await;
    let (flow, pending) = Flow::<OneByOne>::new(watched);
    let key = Key::new("ns", PODS[1]);
    for _ in 0..1000 {
        flow.trigger(key.clone(), Trigger::Due);
    }
    assert_eq!(pending.0.len(), 0);

    let kind = Arc::new(OneByOne::default());
    kind.let_go.notify_one();
    let (stop, stopped) = watch::channel(false);
    let setup = Setup {
        announcer: Announcer::new(Recorder::start(client.clone()), None),
        client,
        observer: Arc::new(Heard::default()),
        options: Options {
            concurrent: 1,
            backoff: Backoff::default(),
        },
        stop: stopped,
        grace: Duration::from_secs(5),
    };
    let running = tokio::spawn(flow.clone().run(pending, Arc::clone(&kind), setup));
    let looks = async |wanted: usize| {
        while kind.waits.lock().unwrap().len() < wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let looked = async {
        // The first look is at everything; from then on, what triggers.
        looks(1).await;
        flow.trigger(key, Trigger::Due);
        looks(2).await;
    };
    let looked = tokio::time::timeout(Duration::from_secs(20), looked).await;
    looked.expect("it is looked at each time");
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(kind.waits.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_reconcile_takes_up_ends_nothing_until_it_comes_again() {
    let key = Key::new("ns", "app");
    let mut queue = Queue::default();
    queue.push(&key, Trigger::Due);
    let (_, interrupts) = queue.take_due().pop().unwrap();
    let (_server, client) = Server::start().await;
    let run = run(client, interrupts).await;
    let moved = |trigger: &Trigger| *trigger == Trigger::Moved;

    queue.push(&key, Trigger::Moved);
    let ended = run.waiting(too_long(), moved).await;
    assert_eq!(ended, Err(Interrupted(Trigger::Moved)));
    assert!(run.has_come(moved));
    run.take_up(&Trigger::Moved);
    assert!(!run.has_come(moved));
    assert_eq!(run.waiting(ready(1), moved).await, Ok(1));
    queue.push(&key, Trigger::Moved);
    assert_eq!(run.came(moved).await, Trigger::Moved);
    let ended = run.waiting(too_long(), moved).await;
    assert_eq!(ended, Err(Interrupted(Trigger::Moved)));
    run.take_up(&Trigger::Moved);
    assert!(!queue.finish(&key, Next::Never, false, true, &Backoff::default()));
    assert_eq!(queue.take_due().len(), 0, "nothing is left to do");
}

#[tokio::test]
async fn what_comes_while_the_object_is_read_is_not_lost() {
    let key = Key::new("ns", "app");
    let mut queue = Queue::default();
    queue.push(&key, Trigger::Due);
    let (_, interrupts) = queue.take_due().pop().unwrap();
    queue.push(&key, Trigger::Spec);
    let workers = Workers::new("Pod", 1, Arc::new(Heard::default()));
    let begun = begin(&workers, &interrupts, || {
        queue.push(&key, Trigger::Deleted);
        Some(())
    });
    assert!(begun.await.is_some());
    let kept = interrupts.borrow().first(|_| true).cloned();
    assert_eq!(kept, Some(Trigger::Deleted));
    assert!(!queue.finish(&key, Next::Never, false, true, &Backoff::default()));
    assert_eq!(queue.take_due().len(), 1, "it is looked at again");
}
