//! The blocks of code of a Markdown text: between fences of either kind, or indented, within quotations too.

pub fn blocks(text: &str) -> Vec<String> {
    let (mut blocks, mut block) = (Vec::new(), String::new());
    // The signs of the fence that is open.
    let mut open: Option<&str> = None;
    for line in text.lines().map(without_quotation) {
        let inner = line.trim();
        let is_indented = line.starts_with("    ") || line.starts_with('\t');
        let goes_on = match open {
            Some(signs) => !inner.starts_with(signs) || !inner.trim_start_matches(&signs[..1]).is_empty(),
            // Indented code stands behind an empty line, or more of the same.
            None if fence(inner).is_some() => false,
            None => inner.is_empty() || is_indented && !block.is_empty(),
        };
        if goes_on {
            block = block + line + "\n";
        } else {
            blocks.push(outdented(&block));
            block.clear();
            open = if open.is_some() { None } else { fence(inner) };
        }
    }
    blocks.push(outdented(&block));
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}

fn without_quotation(mut line: &str) -> &str {
    while let Some(rest) = line.strip_prefix('>') {
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    line
}

/// The three or more signs that a fence begins with.
fn fence(text: &str) -> Option<&str> {
    let sign = text.chars().next().filter(|sign| ['`', '~'].contains(sign))?;
    let (signs, rest) = text.split_at(text.len() - text.trim_start_matches(sign).len());
    // `x` within a line is no fence.
    (signs.len() >= 3 && (sign == '~' || !rest.contains('`'))).then_some(signs)
}

/// Without the indent that the first line has.
fn outdented(block: &str) -> String {
    let first = block.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let indent = &first[..first.len() - first.trim_start().len()];
    let lines = block.lines().map(|line| line.strip_prefix(indent).unwrap_or(line.trim_start()));
    lines.map(|line| line.to_string() + "\n").collect()
}
