//! The `<pre>` elements of a web page as text: without tags and entities, a line of the code on each line.
//!
//! What a site writes before and behind the code stays; `known.rs` does without it.

/// Elements that end a line.
const LINES: [&str; 10] = ["li", "div", "tr", "td", "p", "ul", "ol", "table", "pre", "code"];
const ENTITIES: [(&str, char); 6] =
    [("lt", '<'), ("gt", '>'), ("amp", '&'), ("quot", '"'), ("apos", '\''), ("nbsp", ' ')];

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
    let ends = |c| {
        match quote {
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if open == c => quote = None,
            _ => {}
        }
        quote.is_none() && c == '>'
    };
    let end = tag.find(ends).unwrap_or(tag.len() - 1);
    (text, &tag[1..end], &tag[end + 1..])
}

/// The text of each `<pre>`.
pub fn blocks(page: &str) -> Vec<String> {
    let (mut blocks, mut block) = (Vec::new(), String::new());
    // How many `<pre>` are open.
    let mut open = 0;
    let mut rest = page;
    while !rest.is_empty() {
        let (text, tag, after) = next(rest);
        rest = after;
        if open > 0 {
            block += &unescaped(text);
        }
        let mut words = tag.split(|c: char| !c.is_ascii_alphanumeric());
        let name = words.find(|word| !word.is_empty()).unwrap_or("").to_lowercase();
        if LINES.contains(&name.as_str()) {
            end_line(&mut block);
        }
        match name.as_str() {
            "br" => block.push('\n'),
            "pre" if !tag.starts_with('/') => open += 1,
            "pre" if open > 0 => open -= 1,
            _ => {}
        }
        if open == 0 {
            blocks.push(std::mem::take(&mut block));
        }
    }
    blocks.push(block);
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}

/// The end of a line; but a number in an element of its own stands before its line, which is to come.
fn end_line(block: &mut String) {
    let start = block.rfind('\n').map_or(0, |at| at + 1);
    let (first, rest) = block[start..].split_once('\t').unwrap_or((&block[start..], ""));
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    match (is_number(first), rest) {
        (true, "") if block.ends_with('\t') => {}
        (true, "") => block.push('\t'),
        // The line before was empty.
        (true, rest) if is_number(rest) => {
            let tab = start + first.len();
            block.replace_range(tab..=tab, "\n");
            block.push('\t');
        }
        _ if start < block.len() => block.push('\n'),
        _ => {}
    }
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or("").to_string();
    for part in parts {
        let (entity, after) = part.split_once(';').unwrap_or(("", part));
        let number = entity.strip_prefix('#').unwrap_or("");
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        };
        let named = ENTITIES.iter().find(|(name, _)| *name == entity).map(|(_, sign)| *sign);
        match number.and_then(char::from_u32).or(named) {
            Some(sign) => plain = plain + &sign.to_string() + after,
            None => plain = plain + "&" + part,
        }
    }
    plain.replace('\u{a0}', " ")
}
