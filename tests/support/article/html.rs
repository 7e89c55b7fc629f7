//! The `<pre>` elements of a web page as text: without tags, entities, line numbers and the site's buttons.

/// Parts of a class whose element is no code.
const NOT_CODE: [&str; 12] = [
    "button",
    "btn",
    "copy",
    "numbering",
    "numbers",
    "hljs-ln-n",
    "lineno",
    "gutter",
    "opt-box",
    "toolbar",
    "hide-",
    "rownumber",
];
const NOT_SHOWN: [&str; 5] = ["script", "style", "button", "svg", "select"];
/// Elements that begin and end a line.
const LINES: [&str; 8] = ["li", "div", "tr", "p", "ul", "ol", "table", "pre"];
/// What a site writes beside its code.
const SITES: [&str; 8] =
    ["AI写代码", "AI运行代码", "登录复制", "复制代码", "复制", "运行", "Copy", "Copy code"];
const ENTITIES: [(&str, &str); 6] =
    [("lt", "<"), ("gt", ">"), ("amp", "&"), ("quot", "\""), ("apos", "'"), ("nbsp", " ")];

/// From the text to the next tag, the tag, and what comes then.
fn next(page: &str) -> (&str, &str, &str) {
    let is_tag = |&(at, _): &(usize, &str)| {
        page[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!')
    };
    let Some((at, _)) = page.match_indices('<').find(is_tag) else { return (page, "", "") };
    let (text, tag) = page.split_at(at);
    if tag.starts_with("<!--") {
        return (text, "", tag.split_once("-->").map_or("", |(_, after)| after));
    }
    let mut quote = None;
    let end = tag.find(|c| {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => return quote.is_none() && c == '>',
        }
        false
    });
    let end = end.unwrap_or(tag.len() - 1);
    (text, tag[1..end].trim_end_matches('/'), &tag[end + 1..])
}

fn name(tag: &str) -> String {
    let name = tag.trim_start_matches('/');
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    name[..end].to_lowercase()
}

fn is_no_code(tag: &str) -> bool {
    let class = tag.split_once("class=").map_or("", |(_, rest)| rest);
    let quote = class.chars().next().unwrap_or('"');
    let class = class.split(quote).nth(1).unwrap_or("").to_lowercase();
    NOT_SHOWN.contains(&name(tag).as_str())
        || class.split_whitespace().any(|word| NOT_CODE.iter().any(|part| word.contains(part)))
}

/// The text of each `<pre>`. What else stands in one that has a `<code>` is the site's.
pub fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block = String::new();
    // How many `<pre>` are open, and of `<code>` in them.
    let (mut pres, mut codes) = (0, 0);
    let mut has_code = false;
    // An element that is left out, and how many of its name are open.
    let mut skipped: Option<(String, usize)> = None;
    let mut rest = page;
    while !rest.is_empty() {
        let (text, tag, after) = next(rest);
        let alone = rest[..rest.len() - after.len()].ends_with("/>");
        rest = after;
        let (name, opens) = (name(tag), !tag.starts_with('/'));
        if let Some((of, open)) = &mut skipped {
            if name == *of && !alone {
                *open = if opens { *open + 1 } else { *open - 1 };
            }
            if *open == 0 {
                skipped = None;
            }
            continue;
        }
        if pres > 0 && (codes > 0 || !has_code) && !SITES.contains(&text.trim()) {
            block += &unescaped(text);
        }
        if pres > 0 && opens && !alone && is_no_code(tag) {
            skipped = Some((name, 1));
            continue;
        }
        match (name.as_str(), opens) {
            ("code", true) if pres > 0 => {
                if !has_code {
                    block.clear();
                }
                has_code = true;
                codes += 1;
            }
            ("code", false) if codes > 0 => codes -= 1,
            ("pre", true) => pres += 1,
            ("pre", false) if pres > 0 => pres -= 1,
            ("br", _) => block.push('\n'),
            ("td", false) => block.push('\t'),
            _ => {}
        }
        let ends_line = LINES.contains(&name.as_str()) || (name == "code" && !opens);
        if pres > 0 && ends_line && !block.is_empty() && !block.ends_with('\n') {
            block.push('\n');
        }
        if pres == 0 && (!block.is_empty() || has_code) {
            blocks.push(std::mem::take(&mut block));
            (codes, has_code) = (0, false);
        }
    }
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or("").to_string();
    for part in parts {
        let (entity, after) = part.split_once(';').unwrap_or(("", part));
        let number = match entity.strip_prefix("#") {
            Some(digits) if digits.starts_with(['x', 'X']) => u32::from_str_radix(&digits[1..], 16).ok(),
            Some(digits) => digits.parse().ok(),
            None => None,
        };
        let named = ENTITIES.iter().find(|(name, _)| *name == entity);
        match (named, number.and_then(char::from_u32)) {
            (Some((_, sign)), _) => plain = plain + sign + after,
            (None, Some(sign)) => plain = plain + &sign.to_string() + after,
            (None, None) => plain = plain + "&" + part,
        }
    }
    plain.replace('\u{a0}', " ")
}
