//! The functions that expressions may call.

use std::sync::{Arc, LazyLock};

use cel::common::traits::Iterable;
use cel::common::types::{CelBool, CelOptional, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, extensions};

use crate::budget;

static ENVIRONMENT: LazyLock<Result<Arc<Env>, DeclarationError>> =
    LazyLock::new(|| build().map(Arc::new));

/// cel-go's standard library, optional values, and the extensions that Flux adds. The text of an
/// error is for people.
pub(crate) fn environment() -> Result<Arc<Env>, String> {
    ENVIRONMENT
        .clone()
        .map_err(|error| format!("failed to create CEL environment: {error}"))
}

fn build() -> Result<Env, DeclarationError> {
    let mut environment = Env::stdlib();
    environment.add_extension(extensions::strings)?;
    environment.add_extension(extensions::encoders)?;
    let lists = || vec![LIST_TYPE, LIST_TYPE];
    environment.add_overload(
        "sets.contains",
        "list_sets_contains_list",
        lists(),
        contains,
    )?;
    environment.add_overload(
        "sets.equivalent",
        "list_sets_equivalent_list",
        lists(),
        equivalent,
    )?;
    environment.add_overload(
        "sets.intersects",
        "list_sets_intersects_list",
        lists(),
        intersects,
    )?;
    environment.add_member_overload("first", "list_first", LIST_TYPE, vec![], first)?;
    environment.add_member_overload("last", "list_last", LIST_TYPE, vec![], last)?;
    budget::declare(&mut environment)?;
    Ok(environment)
}

fn iterable<'b, 'v>(list: &'b (dyn Val + 'v)) -> Result<&'b (dyn Iterable + 'v), ExecutionError> {
    let got = || ExecutionError::UnexpectedType {
        got: list.get_type().name().to_owned(),
        want: "list".to_owned(),
    };
    list.as_iterable().ok_or_else(got)
}

/// Does a list have an element equal to `wanted`?
fn has(list: &(dyn Iterable + '_), wanted: &dyn Val) -> bool {
    let mut items = list.iter();
    std::iter::from_fn(|| items.next()).any(|item| item.equals(wanted))
}

/// Is every element of `inner` in `outer`?
fn covers(outer: &(dyn Iterable + '_), inner: &(dyn Iterable + '_)) -> bool {
    let mut items = inner.iter();
    std::iter::from_fn(|| items.next()).all(|item| has(outer, item))
}

fn answer<'b, 'v>(answer: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(answer))
}

fn two<'a, 'b, 'v>(
    arguments: &'a [CowVal<'b, 'v>],
) -> Result<[&'a (dyn Iterable + 'v); 2], ExecutionError> {
    match arguments {
        [left, right] => Ok([iterable(left.as_ref())?, iterable(right.as_ref())?]),
        other => Err(ExecutionError::invalid_argument_count(2, other.len())),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the library's signature")]
fn contains<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [outer, inner] = two(&arguments)?;
    Ok(answer(covers(outer, inner)))
}

#[expect(clippy::needless_pass_by_value, reason = "the library's signature")]
fn equivalent<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [left, right] = two(&arguments)?;
    Ok(answer(covers(left, right) && covers(right, left)))
}

#[expect(clippy::needless_pass_by_value, reason = "the library's signature")]
fn intersects<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [left, right] = two(&arguments)?;
    let mut items = left.iter();
    Ok(answer(
        std::iter::from_fn(|| items.next()).any(|item| has(right, item)),
    ))
}

#[expect(clippy::needless_pass_by_value, reason = "the library's signature")]
fn first<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(list) = arguments.first() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let item = iterable(list.as_ref())?
        .iter()
        .next()
        .map(Val::clone_as_boxed);
    Ok(optional(item))
}

#[expect(clippy::needless_pass_by_value, reason = "the library's signature")]
fn last<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(list) = arguments.first() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let mut items = iterable(list.as_ref())?.iter();
    let item = std::iter::from_fn(|| items.next())
        .last()
        .map(Val::clone_as_boxed);
    Ok(optional(item))
}

fn optional<'b, 'v>(item: Option<Box<dyn Val + 'v>>) -> CowVal<'b, 'v> {
    CowVal::owned(item.map_or_else(CelOptional::none, CelOptional::of))
}
