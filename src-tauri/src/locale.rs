//! How the desktop's user writes dates and numbers. The web view knows the language of the words alone, and where nobody has
//! said any it takes American English for it.

use std::env;

use serde::Serialize;

/// The locales as the page's formatters know them, such as `de-DE`; none where nobody has said one.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub(crate) struct Locales {
    dates: Option<String>,
    numbers: Option<String>,
}

impl Locales {
    /// Those that the environment names.
    pub(crate) fn of_environment() -> Self {
        Self::of(|name| env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        // As the C library takes them; an empty one is as if it were not there.
        let named = |name| {
            let set = ["LC_ALL", name, "LANG"]
                .into_iter()
                .find_map(|name| variable(name).filter(|value| !value.is_empty()));
            set.and_then(|value| tag(&value))
        };
        Self {
            dates: named("LC_TIME"),
            numbers: named("LC_NUMERIC"),
        }
    }
}

/// `de-DE` for `de_DE.UTF-8`; none for `C`, which is nobody's. Nothing but letters, digits and hyphens gets through.
fn tag(locale: &str) -> Option<String> {
    let name = locale.split(['.', '@']).next().unwrap_or_default();
    let (language, region) = name.split_once('_').unwrap_or((name, ""));
    let is_language =
        matches!(language.len(), 2 | 3) && language.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_region = matches!(region.len(), 0 | 2 | 3)
        && region.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match (is_language && is_region, region) {
        (false, _) => None,
        (true, "") => Some(language.to_owned()),
        (true, region) => Some(format!("{language}-{region}")),
    }
}

/// Tells the page before it begins: its first figures are written by them. `ui/src/ui/locale.ts` reads it.
pub(crate) fn script(locales: &Locales) -> String {
    let value = serde_json::to_string(locales).unwrap_or_else(|_| "{}".into());
    format!("Object.defineProperty(window, 'desktopLocales', {{ value: Object.freeze({value}) }});")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> (Option<String>, Option<String>) {
        let Locales { dates, numbers } = Locales::of(|name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        (dates, numbers)
    }

    #[test]
    fn the_variables_count_in_the_order_of_the_c_library() {
        let (german, swedish) = (Some("de-DE".to_owned()), Some("sv-SE".to_owned()));
        let all = [
            ("LC_ALL", "de_DE.UTF-8"),
            ("LC_TIME", "sv_SE"),
            ("LANG", "en_US"),
        ];
        assert_eq!(of(&all), (german.clone(), german.clone()));
        let one = [
            ("LC_ALL", ""),
            ("LC_TIME", "sv_SE.UTF-8"),
            ("LANG", "de_DE@euro"),
        ];
        assert_eq!(of(&one), (swedish, german));
        assert_eq!(of(&[]), (None, None));
    }

    #[test]
    fn what_is_no_locale_of_anybody_is_none() {
        for name in [
            "C",
            "C.UTF-8",
            "POSIX",
            "x'); alert(1",
            "de_\"",
            "",
            "de_DE_extra",
        ] {
            assert_eq!(tag(name), None, "{name}");
        }
        assert_eq!(tag("eo").as_deref(), Some("eo"));
    }
}
