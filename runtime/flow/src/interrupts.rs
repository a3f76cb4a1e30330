use crate::Trigger;

/// The triggers that came since a reconcile read its object, each once, in the order of their coming. All of them are
/// kept: which one ends a wait is for that wait to say, and it may begin long after they came.
#[derive(Debug, Default)]
pub(crate) struct Interrupts(Vec<Trigger>);

impl Interrupts {
    /// Is it news?
    pub(crate) fn add(&mut self, trigger: Trigger) -> bool {
        let is_new = !self.0.contains(&trigger);
        if is_new {
            self.0.push(trigger);
        }
        is_new
    }

    /// The object is about to be read, and with it whatever the triggers so far were about.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What it was about is dealt with from now on.
    pub(crate) fn remove(&mut self, trigger: &Trigger) {
        self.0.retain(|known| known != trigger);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first that a wait ends for.
    pub(crate) fn first(&self, ends: impl Fn(&Trigger) -> bool) -> Option<&Trigger> {
        self.0.iter().find(|trigger| ends(trigger))
    }
}
