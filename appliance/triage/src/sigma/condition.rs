//! The condition of a rule: names of selections joined by `and`, `or`, `not` and `1 of`, `all of`.

use super::Refusal;

/// Deepest nesting of a condition.
const DEPTH_CAP: usize = 32;

/// What must hold, selections by their place in the rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Selection(usize),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
}

/// Reads a condition over these selections.
pub(super) fn parse(text: &str, names: &[String]) -> Result<Condition, Refusal> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    if words.contains(&"|") || text.contains('|') {
        return Err(Refusal::Counting);
    }
    let mut reader = Reader { words: &words, names };
    let condition = reader.either(0)?;
    match reader.words.first() {
        None => Ok(condition),
        Some(word) => Err(Refusal::Condition((*word).to_owned())),
    }
}

struct Reader<'a> {
    words: &'a [&'a str],
    names: &'a [String],
}

impl Reader<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.first().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if is {
            self.words = &self.words[1..];
        }
        is
    }

    fn either(&mut self, depth: usize) -> Result<Condition, Refusal> {
        let mut parts = vec![self.both(depth)?];
        while self.next_is("or") {
            parts.push(self.both(depth)?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn both(&mut self, depth: usize) -> Result<Condition, Refusal> {
        let mut parts = vec![self.single(depth)?];
        while self.next_is("and") {
            parts.push(self.single(depth)?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn single(&mut self, depth: usize) -> Result<Condition, Refusal> {
        if depth > DEPTH_CAP {
            return Err(Refusal::TooLarge);
        }
        if self.next_is("not") {
            return Ok(Condition::Not(Box::new(self.single(depth + 1)?)));
        }
        if self.next_is("(") {
            let inner = self.either(depth + 1)?;
            return if self.next_is(")") { Ok(inner) } else { Err(self.unexpected()) };
        }
        let Some((word, rest)) = self.words.split_first() else { return Err(self.unexpected()) };
        if rest.first().is_some_and(|next| next.eq_ignore_ascii_case("of")) {
            return self.some_of(word);
        }
        let place = self.names.iter().position(|name| name == word);
        let place = place.ok_or_else(|| Refusal::Condition((*word).to_owned()))?;
        self.words = rest;
        Ok(Condition::Selection(place))
    }

    /// `1 of them`, `all of selection_*`.
    fn some_of(&mut self, quantity: &str) -> Result<Condition, Refusal> {
        let pattern = self.words.get(2).copied().ok_or_else(|| self.unexpected())?;
        self.words = &self.words[3..];
        let fits = |name: &str| match pattern {
            "them" => !name.starts_with('_'),
            pattern => super::value::Glob::of(pattern).matches(name.as_bytes()),
        };
        let chosen: Vec<Condition> = (0..self.names.len())
            .filter(|place| fits(&self.names[*place]))
            .map(Condition::Selection)
            .collect();
        match quantity.to_ascii_lowercase().as_str() {
            _ if chosen.is_empty() => Err(Refusal::Condition(pattern.to_owned())),
            "1" | "any" => Ok(one_or(chosen, Condition::Any)),
            "all" => Ok(one_or(chosen, Condition::All)),
            other => Err(Refusal::Condition(other.to_owned())),
        }
    }

    fn unexpected(&self) -> Refusal {
        Refusal::Condition(self.words.first().copied().unwrap_or("its end").to_owned())
    }
}

fn one_or(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_bind_as_sigma_says() {
        use Condition::{All, Any, Not, Selection};
        let names = ["sel_a", "sel_b", "filter"].map(str::to_owned);
        let not_filter = || Not(Box::new(Selection(2)));
        for (text, expected) in [
            ("sel_a and not filter", Some(All(vec![Selection(0), not_filter()]))),
            ("1 of sel_* and not filter", {
                Some(All(vec![Any(vec![Selection(0), Selection(1)]), not_filter()]))
            }),
            ("sel_a or sel_b and filter", {
                Some(Any(vec![Selection(0), All(vec![Selection(1), Selection(2)])]))
            }),
            ("all of them", Some(All(vec![Selection(0), Selection(1), Selection(2)]))),
            ("not (sel_a or sel_b)", Some(Not(Box::new(Any(vec![Selection(0), Selection(1)]))))),
            ("sel_a | count() > 5", None),
            ("sel_a and", None),
            ("(sel_a", None),
            ("other", None),
            ("2 of sel_*", None),
            ("1 of nothing_*", None),
        ] {
            assert_eq!(parse(text, &names).ok(), expected, "{text}");
        }
        assert_eq!(parse(&"(".repeat(10_000), &names), Err(Refusal::TooLarge));
    }
}
