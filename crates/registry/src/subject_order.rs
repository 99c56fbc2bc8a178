//! The order in which several extensions are written when subjects go from one to another: a subject is one
//! extension's at a time, so who has it gives it up before another takes it.

use std::collections::BTreeMap;

/// A row before and after it is written.
pub(crate) struct SubjectMove<'a> {
    /// The subject that it has; none if it isn't there yet.
    pub(crate) from: Option<&'a str>,
    /// The subject that it will have.
    pub(crate) to: &'a str,
}

/// The positions of `moves` in an order in which each subject is free when it is taken; positions in a circle, which
/// no order helps, come back as the error.
pub(crate) fn free_before_taken(moves: &[SubjectMove<'_>]) -> Result<Vec<usize>, Vec<usize>> {
    let holders: BTreeMap<&str, usize> = moves
        .iter()
        .enumerate()
        .filter(|(_, each)| each.from != Some(each.to))
        .filter_map(|(position, each)| Some((each.from?, position)))
        .collect();
    let mut order = Vec::with_capacity(moves.len());
    let mut is_placed = vec![false; moves.len()];
    for position in 0..moves.len() {
        // Each waits for one at the most: who has what it takes.
        let mut waiting = vec![position];
        while let Some(holder) = waiting.last().and_then(|last| holders.get(moves[*last].to)) {
            if is_placed[*holder] || waiting.last() == Some(holder) {
                break;
            }
            if let Some(begin) = waiting.iter().position(|each| each == holder) {
                return Err(waiting.split_off(begin));
            }
            waiting.push(*holder);
        }
        for each in waiting.into_iter().rev() {
            if !is_placed[each] {
                is_placed[each] = true;
                order.push(each);
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(moves: &[(Option<&str>, &str)]) -> Result<Vec<usize>, Vec<usize>> {
        let moves: Vec<_> = moves
            .iter()
            .map(|(from, to)| SubjectMove { from: *from, to })
            .collect();
        free_before_taken(&moves)
    }

    #[test]
    fn who_has_a_subject_gives_it_up_first() {
        assert_eq!(
            order(&[
                (Some("a"), "b"),
                (None, "a"),
                (Some("b"), "c"),
                (Some("d"), "d")
            ]),
            Ok(vec![2, 0, 1, 3])
        );
    }

    #[test]
    fn a_circle_is_named_without_those_that_only_wait_for_it() {
        assert_eq!(
            order(&[(Some("x"), "a"), (Some("a"), "b"), (Some("b"), "a")]),
            Err(vec![1, 2])
        );
    }
}
