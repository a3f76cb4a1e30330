//! The text of `/metrics` against `METRICS.md`: each name there with its type and labels, and nothing else.

use super::Metrics;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tidegate_flow::Ended;
use tidegate_flow::Next;
use tidegate_flow::Observe as _;
use tidegate_kube::Key;
use tidegate_kube::RequestCount;
use tidegate_sandbox::Call;
use tidegate_sandbox::Grants;
use tidegate_sandbox::Limits;
use tidegate_sandbox::Sandbox;
use tidegate_sandbox::SandboxConfig;

/// Name to type and labels.
type Families = BTreeMap<String, (String, BTreeSet<String>)>;

/// The rows of the document's tables: `name`, type, `labels`.
fn documented() -> Families {
    let text = include_str!("../../../../METRICS.md");
    let quoted = |cell: &str| {
        let names = cell.split('`').skip(1).step_by(2);
        names.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line
            .strip_prefix("| `")?
            .split('|')
            .map(str::trim)
            .collect();
        let [name, kind, labels, _, ""] = cells.as_slice() else {
            panic!("not four cells: {line}");
        };
        let name = name.strip_suffix('`').expect("a name");
        Some((name.to_owned(), ((*kind).to_owned(), quoted(labels))))
    });
    rows.collect()
}

/// What a scraper makes of the text.
fn scraped(text: &str) -> Families {
    let mut families = Families::new();
    let mut described = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("a help");
            name.clone_into(&mut described);
            assert!(help.ends_with('.') && !help.ends_with(".."), "{line}");
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, kind) = of.split_once(' ').expect("a type");
            assert_eq!(name, described, "a help stands before");
            let new = families.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
            assert_eq!(new, None, "{name} twice");
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let (name, labels) = series
                .strip_suffix('}')
                .and_then(|series| series.split_once('{'))
                .unwrap_or((series, ""));
            let owner = ["_bucket", "_sum", "_count", ""]
                .into_iter()
                .filter_map(|end| name.strip_suffix(end))
                .find(|owner| families.contains_key(*owner))
                .unwrap_or_else(|| panic!("{name} has no type"));
            let family = families.get_mut(owner).expect("it was found");
            let names = labels
                .split("\",")
                .filter_map(|label| label.split_once("=\""));
            family.1.extend(
                names
                    .map(|(label, _)| label.to_owned())
                    .filter(|label| label != "le"),
            );
        }
    }
    families
}

fn key() -> Key {
    Key {
        namespace: "team".to_owned(),
        name: "app".to_owned(),
    }
}

/// A built-in that does well, one that is out of time, one that is answered from memory; and what is no plugin.
fn use_plugins(metrics: &Metrics) {
    let sandbox = Sandbox::observed(SandboxConfig::controller(), metrics.plugins()).unwrap();
    let plugin = sandbox
        .builtin("substitute")
        .expect("run `cargo xtask plugins` first");
    plugin.describe().unwrap();
    for _ in 0..2 {
        assert_eq!(plugin.transform(Call::default()).outcome, Ok(()));
    }
    let limits = Limits {
        memory: 65536,
        ..Limits::BUILTIN
    };
    let starved = plugin.transform(Call {
        limits: Some(limits),
        ..Call::default()
    });
    assert!(starved.outcome.is_err());
    assert!(plugin.render(Call::default()).outcome.is_err());
    assert!(
        sandbox
            .load_with("text", b"text", Grants::default())
            .is_err()
    );
    let large = vec![0; 16 * 1024 * 1024 + 1];
    assert!(
        sandbox
            .load_with("large", &large, Grants::default())
            .is_err()
    );
}

/// Something of everything.
fn used() -> Arc<Metrics> {
    let requests = Arc::new(RequestCount::new("10.0.0.1:443"));
    requests.add("GET", 200);
    requests.add("PATCH", 0);
    let metrics = Metrics::new(requests);
    use_plugins(&metrics);
    let controllers = metrics.controllers();
    let workers = tidegate_flow::Workers::new("Kustomization", 4, controllers.clone());
    controllers.workers(&workers);
    controllers.queued("Kustomization");
    controllers.delayed("Kustomization");
    for (next, failed) in [
        (Next::Interval(Duration::from_mins(1)), true),
        (Next::Retry, true),
        (Next::Never, true),
        (Next::Never, false),
        (Next::Now, false),
    ] {
        let ended = Ended {
            next,
            failed,
            panicked: false,
        };
        controllers.reconciled("Kustomization", &key(), Duration::from_millis(20), ended);
    }
    metrics
}

#[test]
fn names_types_and_labels_are_as_documented() {
    let scraped = scraped(&used().text());
    let documented = documented();
    assert!(documented.len() > 30, "rows are missing");
    for (name, told) in &scraped {
        assert_eq!(documented.get(name), Some(told), "{name} in METRICS.md");
    }
    for name in documented.keys() {
        assert!(scraped.contains_key(name), "{name} is not told");
    }
}

#[test]
fn what_ended_counts_as_in_controller_runtime() {
    let metrics = used();
    let text = metrics.text();
    for line in [
        r#"controller_runtime_reconcile_total{controller="kustomization",result="requeue_after"} 1"#,
        r#"controller_runtime_reconcile_total{controller="kustomization",result="error"} 2"#,
        r#"controller_runtime_reconcile_total{controller="kustomization",result="success"} 1"#,
        r#"controller_runtime_reconcile_total{controller="kustomization",result="requeue"} 1"#,
        r#"controller_runtime_reconcile_errors_total{controller="kustomization"} 2"#,
        r#"controller_runtime_terminal_reconcile_errors_total{controller="kustomization"} 1"#,
        r#"controller_runtime_reconcile_panics_total{controller="kustomization"} 0"#,
        r#"controller_runtime_max_concurrent_reconciles{controller="kustomization"} 4"#,
        r#"controller_runtime_active_workers{controller="kustomization"} 0"#,
        r#"workqueue_depth{controller="kustomization",name="kustomization",priority="0"} 0"#,
        r#"workqueue_adds_total{controller="kustomization",name="kustomization"} 1"#,
        r#"workqueue_retries_total{controller="kustomization",name="kustomization"} 1"#,
        r#"gotk_reconcile_duration_seconds_count{kind="Kustomization",name="app",namespace="team"} 5"#,
        r#"gotk_reconcile_duration_seconds_bucket{le="+Inf",kind="Kustomization",name="app",namespace="team"} 5"#,
        r#"rest_client_requests_total{code="200",host="10.0.0.1:443",method="GET"} 1"#,
        r#"rest_client_requests_total{code="<error>",host="10.0.0.1:443",method="PATCH"} 1"#,
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    metrics.controllers().forgotten("Kustomization", &key());
    assert!(
        !metrics
            .text()
            .contains("gotk_reconcile_duration_seconds_count{")
    );
}

#[test]
fn plugins_are_told_by_name_export_and_result() {
    let text = used().text();
    for line in [
        r#"tidegate_plugin_calls_total{plugin="substitute",export="transform",result="success"} 1"#,
        r#"tidegate_plugin_calls_total{plugin="substitute",export="transform",result="limit"} 1"#,
        r#"tidegate_plugin_calls_total{plugin="substitute",export="render",result="contract"} 1"#,
        r#"tidegate_plugin_calls_total{plugin="substitute",export="describe",result="success"} 1"#,
        r#"tidegate_plugin_limit_hits_total{plugin="substitute",export="transform",limit="memory"} 1"#,
        r#"tidegate_plugin_limit_hits_total{plugin="large",export="load",limit="wasm_size"} 1"#,
        r#"tidegate_plugin_cache_hits_total{plugin="substitute",export="transform"} 1"#,
        r#"tidegate_plugin_call_duration_seconds_count{plugin="substitute",export="transform"} 2"#,
        r#"tidegate_plugin_peak_memory_bytes_count{plugin="substitute",export="transform"} 2"#,
        r#"tidegate_plugin_instances{plugin="substitute",export="transform"} 0"#,
        r#"tidegate_plugin_loads_total{plugin="substitute",class="builtin",result="success"} 1"#,
        r#"tidegate_plugin_loads_total{plugin="text",class="tenant",result="not_a_component"} 1"#,
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
}

#[test]
fn the_process_is_looked_at() {
    let text = used().text();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|value| value.trim().parse::<f64>().ok());
        value.unwrap_or_else(|| panic!("no {name}"))
    };
    assert!(value("process_resident_memory_bytes ") > 1e6);
    assert!(value("process_virtual_memory_bytes ") > value("process_resident_memory_bytes "));
    assert!(value("process_open_fds ") >= 3.0);
    assert!(value("process_max_fds ") >= value("process_open_fds "));
    assert!(value("process_threads ") >= 1.0);
    let since = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs_f64()
        - value("process_start_time_seconds ");
    assert!((-2.0..86_400.0).contains(&since), "started {since} s ago");
}
