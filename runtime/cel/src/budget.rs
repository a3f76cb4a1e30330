//! Bounds what evaluating an expression may cost. The library has no such bound, so expressions are
//! rewritten before they run: what functions and operators take, what is collected, and the ranges
//! of loops go through a function that counts, and `replace` and `join`, which multiply sizes,
//! through ones that count first.

use std::cell::Cell;

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, operators};
use cel::common::types::{CelInt, CelString, DYN_TYPE, INT_TYPE, LIST_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, Value};

/// Steps of one evaluation: elements of ranges and arguments, and sixteen bytes of texts, count one
/// each. About half a second at the very worst; ordinary expressions take some hundreds.
const STEPS: u64 = 1_000_000;
const BYTES_PER_STEP: usize = 16;
/// Deeper values are counted no further; JSON from an API server is less deep.
const MAX_DEPTH: usize = 128;

/// The counting function, and the name by which its errors are known. Users cannot write it.
pub(crate) const FUNCTION: &str = "@count";
const REPLACE: &str = "@replace";
const JOIN: &str = "@join";

/// Namespaces of functions look like variables.
const NAMESPACES: &[&str] = &["base64", "cel", "math", "optional", "sets", "strings"];
/// Operators that do not look into what they are given.
const FREE: &[&str] = &[
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::CONDITIONAL,
    operators::NOT_STRICTLY_FALSE,
    operators::INDEX,
    operators::OPT_INDEX,
    operators::OPT_SELECT,
];

thread_local! {
    /// None: spent.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Runs an evaluation with a full budget. Evaluations do not nest and stay on their thread. Once the
/// budget is spent there is no answer, even where the expression itself would pass over an error
/// (`… || true`).
pub(crate) fn within(
    evaluate: impl FnOnce() -> Result<Value, ExecutionError>,
) -> Result<Value, ExecutionError> {
    LEFT.set(Some(STEPS));
    let answer = evaluate();
    if LEFT.get().is_none() {
        Err(spent())
    } else {
        answer
    }
}

fn spent() -> ExecutionError {
    ExecutionError::function_error(FUNCTION, "the expression takes too long on this object")
}

pub(crate) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_overload(FUNCTION, "count", vec![DYN_TYPE], count)?;
    environment.add_member_overload(
        REPLACE,
        "replace",
        STRING_TYPE,
        vec![STRING_TYPE, STRING_TYPE],
        replace,
    )?;
    let limited = vec![STRING_TYPE, STRING_TYPE, INT_TYPE];
    environment.add_member_overload(REPLACE, "replace_limited", STRING_TYPE, limited, replace)?;
    environment.add_member_overload(JOIN, "join", LIST_TYPE, vec![], join)?;
    environment.add_member_overload(JOIN, "join_separator", LIST_TYPE, vec![STRING_TYPE], join)
}

/// Rewrites a parsed expression so that it is counted.
pub(crate) fn instrument(expression: &mut IdedExpr) {
    match &mut expression.expr {
        Expr::Call(call) => {
            call_arguments(call, None);
            match call.func_name.as_str() {
                "replace" if call.target.is_some() => REPLACE.clone_into(&mut call.func_name),
                "join" if call.target.is_some() => JOIN.clone_into(&mut call.func_name),
                _ => {}
            }
        }
        Expr::Comprehension(comprehension) => {
            instrument(&mut comprehension.iter_range);
            wrap(&mut comprehension.iter_range);
            instrument(&mut comprehension.accu_init);
            instrument(&mut comprehension.loop_cond);
            step(&mut comprehension.loop_step, &comprehension.accu_var);
            instrument(&mut comprehension.result);
        }
        Expr::List(list) => {
            for element in &mut list.elements {
                instrument(element);
                wrap(element);
            }
        }
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .for_each(|entry| entry_values(&mut entry.expr)),
        Expr::Struct(fields) => fields
            .entries
            .iter_mut()
            .for_each(|entry| entry_values(&mut entry.expr)),
        Expr::Select(select) => instrument(&mut select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}

fn entry_values(entry: &mut EntryExpr) {
    match entry {
        EntryExpr::StructField(field) => instrument(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            instrument(&mut entry.key);
            instrument(&mut entry.value);
            wrap(&mut entry.value);
        }
    }
}

/// The step of a loop: the library recognizes its outermost form, so that it must stay, and what was
/// collected so far must not be counted again in each round.
fn step(expression: &mut IdedExpr, collected: &str) {
    match &mut expression.expr {
        Expr::Call(call) if call.target.is_none() => call_arguments(call, Some(collected)),
        _ => instrument(expression),
    }
}

fn call_arguments(call: &mut CallExpr, collected: Option<&str>) {
    let is_free = collected.is_some() || FREE.contains(&call.func_name.as_str());
    if let Some(target) = &mut call.target {
        instrument(target);
        let is_namespace =
            matches!(&target.expr, Expr::Ident(name) if NAMESPACES.contains(&name.as_str()));
        if !is_namespace {
            wrap(target);
        }
    }
    for argument in &mut call.args {
        match collected {
            Some(collected) => step(argument, collected),
            None => instrument(argument),
        }
        if !is_free {
            wrap(argument);
        }
    }
}

fn wrap(expression: &mut IdedExpr) {
    if matches!(expression.expr, Expr::Literal(_)) {
        return;
    }
    let id = expression.id;
    let inner = std::mem::take(expression);
    let call = CallExpr {
        func_name: FUNCTION.to_owned(),
        target: None,
        args: vec![inner],
    };
    *expression = IdedExpr {
        id,
        expr: Expr::Call(call),
    };
}

fn spend(steps: usize) -> Result<(), ExecutionError> {
    let left = LEFT.get().and_then(|left| left.checked_sub(steps as u64));
    LEFT.set(left);
    left.map(|_| ()).ok_or_else(spent)
}

fn count<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(value) = arguments.pop() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    measure(value.as_ref(), 0)?;
    Ok(value)
}

/// Counts all of a value.
fn measure(value: &dyn Val, depth: usize) -> Result<(), ExecutionError> {
    spend(1)?;
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return spend(text.inner().len() / BYTES_PER_STEP);
    }
    let Some(items) = value.as_iterable().filter(|_| depth < MAX_DEPTH) else {
        return Ok(());
    };
    // A map iterates over its keys.
    let members = value
        .as_indexer()
        .filter(|_| value.get_type().name() == "map");
    let mut items = items.iter();
    while let Some(item) = items.next() {
        match members.and_then(|members| members.get(item).ok()) {
            Some(member) => measure(member.as_ref(), depth + 1)?,
            None => measure(item, depth + 1)?,
        }
    }
    Ok(())
}

fn text<'a>(arguments: &'a [CowVal<'_, '_>], index: usize) -> Result<&'a str, ExecutionError> {
    let text = arguments
        .get(index)
        .and_then(|argument| argument.downcast_ref::<CelString<'_>>());
    text.map(CelString::inner)
        .ok_or_else(ExecutionError::missing_argument_or_target)
}

fn owned<'b, 'v>(text: String) -> CowVal<'b, 'v> {
    CowVal::owned(CelString::from(text))
}

#[expect(clippy::needless_pass_by_value, reason = "the library's signature")]
/// `text.replace(old, new)` and `text.replace(old, new, limit)`; a negative limit is none.
fn replace<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let (whole, old, new) = (
        text(&arguments, 0)?,
        text(&arguments, 1)?,
        text(&arguments, 2)?,
    );
    let limit = arguments
        .get(3)
        .and_then(|limit| limit.downcast_ref::<CelInt>())
        .map_or(-1, |limit| *limit.inner());
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = whole.matches(old).take(limit).count();
    spend((whole.len() + found.saturating_mul(new.len())) / BYTES_PER_STEP)?;
    Ok(owned(whole.replacen(old, new, limit)))
}

#[expect(clippy::needless_pass_by_value, reason = "the library's signature")]
/// `list.join()` and `list.join(separator)`.
fn join<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let separator = if arguments.len() > 1 {
        text(&arguments, 1)?
    } else {
        ""
    };
    let list = arguments.first().and_then(|list| list.as_iterable());
    let mut items = list
        .ok_or_else(ExecutionError::missing_argument_or_target)?
        .iter();
    let mut joined = String::new();
    let mut is_first = true;
    while let Some(item) = items.next() {
        let Some(item) = item.downcast_ref::<CelString<'_>>() else {
            return Err(ExecutionError::UnexpectedType {
                got: item.get_type().name().to_owned(),
                want: "string".to_owned(),
            });
        };
        let separator = if is_first { "" } else { separator };
        is_first = false;
        spend((separator.len() + item.inner().len()) / BYTES_PER_STEP)?;
        joined.push_str(separator);
        joined.push_str(item.inner().as_ref());
    }
    Ok(owned(joined))
}
