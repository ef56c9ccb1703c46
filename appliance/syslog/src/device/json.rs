//! JSON as decoders want it: texts borrowed from the line where nothing is escaped, names in order,
//! whatever features other crates ask of the parser.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// A value.
#[derive(Debug, PartialEq)]
pub(crate) enum Json<'t> {
    Null,
    Flag(bool),
    Number(Number),
    Text(Cow<'t, str>),
    List(Vec<Json<'t>>),
    /// In order of the names, each once: the last of several counts.
    Object(Members<'t>),
}

pub(crate) type Members<'t> = Vec<(Cow<'t, str>, Json<'t>)>;

/// The member of this name.
pub(crate) fn member<'m, 't>(members: &'m Members<'t>, name: &str) -> Option<&'m Json<'t>> {
    let index = members.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
    Some(&members[index].1)
}

impl Json<'_> {
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => member(members, name),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }
}

/// A name, borrowed where it can be.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

impl<'t> Deserialize<'t> for Json<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

/// Members that most objects of a log line stay below.
const USUAL_MEMBERS: usize = 8;

struct Values;

impl<'t> Visitor<'t> for Values {
    type Value = Json<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'t>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json<'t>, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'t>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'t>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json<'t>, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Json<'t>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'t>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut elements: A) -> Result<Json<'t>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<Json<'t>, A::Error> {
        let mut object: Members<'t> = Vec::with_capacity(USUAL_MEMBERS);
        while let Some((Name(name), value)) = members.next_entry()? {
            object.push((name, value));
        }
        object.sort_by(|(one, _), (other, _)| one.cmp(other));
        object.dedup_by(|later, earlier| {
            let again = later.0 == earlier.0;
            if again {
                std::mem::swap(later, earlier);
            }
            again
        });
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_in_order_and_the_last_of_a_name_counts() {
        let text = r#"{"b": [1, null, true], "a": "x\u0041", "b": {"c": -2.5}}"#;
        let json: Json<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(json.get("a").and_then(Json::as_str), Some("xA"));
        let Json::Object(members) = &json else { panic!("no object") };
        assert_eq!(members.len(), 2);
        let number = json.get("b").and_then(|b| b.get("c"));
        assert_eq!(number, Number::from_f64(-2.5).map(Json::Number).as_ref());
    }
}
