//! What a scenario does to its engines.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::play::Case;
use crate::scenario::{Amid, Engine, Who};

/// How fast objects are counted while the moment for a kill is waited for.
const POLL: Duration = Duration::from_millis(3);
const MOMENT_WITHIN: Duration = Duration::from_mins(1);

/// The moment for a kill was missed: the work was done, or had not begun.
#[derive(Debug)]
pub(crate) struct Missed {
    count: usize,
    from: usize,
    to: usize,
}

impl std::error::Error for Missed {}

impl std::fmt::Display for Missed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Missed { count, from, to } = self;
        write!(
            out,
            "the moment was missed: {count} objects are there, wanted between {from} and {to}"
        )
    }
}

impl Case<'_> {
    pub(crate) fn engine(&self, who: Who, action: &Engine) -> anyhow::Result<()> {
        ensure!(
            self.alone,
            "only a case that is `alone` may touch its engine"
        );
        match action {
            Engine::Kill => self
                .world
                .with_engine(who, |engine| Ok(engine.process().kill().map(drop)?)),
            Engine::KillAmid(amid) => self.kill_amid(who, amid),
            Engine::Stop => self.stop(who, 30.0),
            Engine::StopWithin(seconds) => self.stop(who, *seconds),
            Engine::Start => self.world.start_engine(who),
            Engine::LoseStorage => self.world.with_engine(who, |engine| {
                Ok(std::fs::remove_dir_all(engine.folder().join("data"))?)
            }),
        }
    }

    fn stop(&self, who: Who, seconds: f64) -> anyhow::Result<()> {
        self.world.with_engine(who, |engine| {
            let limit = Duration::from_secs_f64(seconds);
            let status = engine.process().terminate(limit)?;
            ensure!(status.success(), "it ended with {status}");
            Ok(())
        })
    }

    /// Kills when the first object came or went, and makes sure that it was not too late.
    fn kill_amid(&self, who: Who, amid: &Amid) -> anyhow::Result<()> {
        let labels = format!("kustomize.toolkit.fluxcd.io/name={}", amid.owner);
        let count = || {
            self.world
                .cluster
                .count(&amid.kind, self.namespace(), &labels)
        };
        let deadline = Instant::now() + MOMENT_WITHIN;
        while count()? == amid.from {
            ensure!(
                Instant::now() < deadline,
                "the number of objects stays {}\n{}",
                amid.from,
                self.world.log()
            );
            std::thread::sleep(POLL);
        }
        self.world
            .with_engine(who, |engine| Ok(engine.process().kill().map(drop)?))?;
        // What was on its way to the API server still counts.
        let mut left = count()?;
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let now = count()?;
            if std::mem::replace(&mut left, now) == now {
                break;
            }
        }
        let (least, most) = (amid.from.min(amid.to), amid.from.max(amid.to));
        if least < left && left < most {
            return Ok(());
        }
        Err(Missed {
            count: left,
            from: amid.from,
            to: amid.to,
        }
        .into())
    }
}
