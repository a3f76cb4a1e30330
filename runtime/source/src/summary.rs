use tidegate_api::Condition;
use tidegate_api::ConditionStatus;
use tidegate_api::Conditions;

/// The condition that sums up others: the worst group decides, and in it the first of `parts` that is there.
///
/// `parts` names types and whether they are bad when true. `None` when none of them is there.
/// Groups, worst first: bad and true, good and false, good and true, bad and false, unknown
/// (fluxcd/pkg, `runtime/conditions/merge.go`).
pub(crate) fn summarize(
    conditions: &Conditions,
    target: &str,
    parts: &[(&str, bool)],
) -> Option<Condition> {
    let rank = |condition: &Condition, bad: bool| match (condition.status, bad) {
        (ConditionStatus::True, true) => 0,
        (ConditionStatus::False, false) => 1,
        (ConditionStatus::True, false) => 2,
        (ConditionStatus::False, true) => 3,
        (ConditionStatus::Unknown, _) => 4,
    };
    let (top, condition) = parts
        .iter()
        .filter_map(|(type_, bad)| {
            conditions
                .get(type_)
                .map(|condition| (rank(condition, *bad), condition))
        })
        .min_by_key(|(rank, _)| *rank)?;
    let status = match top {
        0 | 1 => ConditionStatus::False,
        2 | 3 => ConditionStatus::True,
        _ => ConditionStatus::Unknown,
    };
    Some(Condition::new(
        target,
        status,
        condition.reason.clone(),
        condition.message.clone(),
    ))
}

#[cfg(test)]
mod tests {
    use super::summarize;
    use tidegate_api::Condition;
    use tidegate_api::ConditionStatus;
    use tidegate_api::ConditionStatus::False;
    use tidegate_api::ConditionStatus::True;
    use tidegate_api::Conditions;

    const PARTS: &[(&str, bool)] = &[("Failed", true), ("Stored", false), ("Reconciling", true)];

    fn ready(of: &[(&str, ConditionStatus)]) -> Option<(ConditionStatus, String)> {
        let conditions: Conditions = of
            .iter()
            .map(|(type_, status)| Condition::new(*type_, *status, *type_, ""))
            .collect();
        summarize(&conditions, "Ready", PARTS).map(|condition| (condition.status, condition.reason))
    }

    #[test]
    fn the_worst_decides_and_the_first_of_the_worst_tells() {
        assert_eq!(
            ready(&[("Stored", True)]),
            Some((True, "Stored".to_owned()))
        );
        assert_eq!(
            ready(&[("Stored", True), ("Reconciling", True)]),
            Some((False, "Reconciling".to_owned()))
        );
        assert_eq!(
            ready(&[("Reconciling", True), ("Failed", True)]),
            Some((False, "Failed".to_owned()))
        );
        assert_eq!(
            ready(&[("Stored", False), ("Failed", False)]),
            Some((False, "Stored".to_owned()))
        );
        assert_eq!(ready(&[]), None);
    }
}
