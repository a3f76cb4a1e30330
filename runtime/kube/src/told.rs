use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// Things remembered at most; beyond that, some are told again.
const REMEMBERED: usize = 4096;

/// What was told of things that go on failing, so that each is told once, and again when it fails in another way.
#[derive(Debug)]
pub(crate) struct Told<K>(Mutex<BTreeMap<K, String>>);

impl<K> Default for Told<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Clone> Told<K> {
    /// Whether `text` was not the last that was told of `thing`. It is from now on.
    pub(crate) fn is_news(&self, thing: &K, text: &str) -> bool {
        let mut told = self.lock();
        if told.get(thing).is_some_and(|last| last == text) {
            return false;
        }
        if told.len() >= REMEMBERED {
            told.clear();
        }
        told.insert(thing.clone(), text.to_owned());
        true
    }

    /// Takes in that all is well with `thing`. Whether something else was told of it before.
    pub(crate) fn is_over(&self, thing: &K) -> bool {
        self.lock().remove(thing).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::REMEMBERED;
    use super::Told;
    use kube::core::Status;
    use std::fmt::Write as _;
    use std::sync::Arc;
    use std::sync::Mutex;
    use tracing::field::Field;
    use tracing::field::Visit;
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::Context;
    use tracing_subscriber::layer::SubscriberExt as _;

    /// What is told while `work` is done, at the level at which a controller runs: level, text and fields.
    pub(crate) fn logged(work: impl FnOnce()) -> Vec<String> {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::registry().with(lines.clone());
        tracing::subscriber::with_default(subscriber, work);
        std::mem::take(&mut lines.0.lock().unwrap())
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl<S: tracing::Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let level = event.metadata().level();
            if *level <= tracing::Level::INFO {
                let mut line = Line(level.to_string());
                event.record(&mut line);
                self.0.lock().unwrap().push(line.0);
            }
        }
    }

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            let written = match field.name() {
                "message" => write!(self.0, " {value:?}"),
                name => write!(self.0, " {name}={value:?}"),
            };
            written.unwrap();
        }
    }

    /// What the API server answers.
    pub(crate) fn refusal(reason: &str, message: &str) -> kube::Error {
        kube::Error::Api(Box::new(Status::failure(message, reason)))
    }

    #[test]
    fn each_is_told_once_and_again_when_it_is_another() {
        let told = Told::default();
        let news = ["a", "a", "b", "b", "a"].map(|text| told.is_news(&1, text));
        assert_eq!(news, [true, false, true, false, true]);
        assert!(told.is_news(&2, "a"));
        assert_eq!([told.is_over(&1), told.is_over(&1)], [true, false]);
        assert!(told.is_news(&1, "a"));
    }

    #[test]
    fn no_more_is_remembered_than_that() {
        let told = Told::default();
        for thing in 0..3 * REMEMBERED {
            assert!(told.is_news(&thing, "a"));
            assert!(told.lock().len() <= REMEMBERED);
        }
    }
}
