//! Text that speaks to an assistant rather than to an operator.
//!
//! Whoever can write a log line, an event or an annotation can write to the model that reads it. Such lines are counted and
//! said to be data; they are never removed, because what they say may matter. The rules are for classes of speech:
//! overriding what was said before, playing a role of the conversation, secrecy towards the user, calls of tools, and
//! dictating the answer. A verb alone is never enough, so that logs which say `ignoring rule` stay uncounted.

use std::sync::LazyLock;

use regex::{RegexSet, RegexSetBuilder, bytes};

/// Most characters of a line that are read.
const LONGEST: usize = 4_000;

/// Whether a line from a cluster speaks to an assistant.
pub fn addresses_assistant(line: &str) -> bool {
    // Most of an answer are names, and the shortest rule for a single word has 16 letters.
    if line.len() < 16 && line.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return false;
    }
    let line = if line.is_ascii() && super::text::is_clean(line) { plain_ascii(line) } else { plain(line) };
    if line.chars().filter(|it| it.is_alphabetic()).take(6).count() < 6 {
        return false;
    }
    if matches(&line) || !line.is_ascii() && OTHERS.as_ref().is_some_and(|it| it.is_match(&line)) {
        return true;
    }
    // Digits for letters are common in ids; only a line with a word that mixes them is read again.
    let latin = || -> String { line.chars().map(latin).collect() };
    is_disguised(&line) && matches(&latin()) || has_gaps(&line) && matches(&without_gaps(&latin()))
}

/// The lines of a text that speak to an assistant.
pub fn count(text: &str) -> usize {
    text.lines().filter(|it| addresses_assistant(it)).count()
}

/// Rules on bytes: they know no Unicode, and so their automaton is small and fast.
static LATIN: LazyLock<Option<bytes::RegexSet>> =
    LazyLock::new(|| bytes::RegexSetBuilder::new(rules()).unicode(false).dfa_size_limit(AUTOMATON).build().ok());

static OTHERS: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSetBuilder::new(other_scripts()).dfa_size_limit(AUTOMATON).build().ok());

/// Most bytes that an automaton may grow to.
const AUTOMATON: usize = 16 << 20;

fn matches(line: &str) -> bool {
    LATIN.as_ref().is_some_and(|it| it.is_match(line.as_bytes()))
}

fn rules() -> Vec<String> {
    // Up to so many words between two.
    let gap = |most: usize| format!(r"(?:[^\w\n]+\w+){{0,{most}}}?[^\w\n]+");
    // Where an order begins: a line, a sentence, or behind a word that commands.
    let order = r#"(?:^|[.!?:;>\])"'`*#|,=\-]\s*|\b(?:please|now|must|should|shall|will|need to|have to|and|then|to|immediately|just|instead|first|kindly|assistant|ai|agent|model|important|you)[\s:,]+)"#;
    let someone = r"(?:ai|a\.i\.|assistants?|llms?|language models?|large language models?|chat ?bots?|chatgpt|gpt|claude|gemini|copilot|ai agents?|ai models?|ai systems?)";
    let said =
        r"(?:previous|prior|earlier|above|preceding|foregoing|original|initial|your|system|developer|safety|everything|all)";
    let rules = r"(?:instructions?|prompts?|guidelines?|directions?|directives?|rules|commands|orders|guardrails?|safety|restrictions?|training|programming|polic(?:y|ies)|system message)";
    let person =
        r"(?:the |your |any )?(?:users?|humans?|operators?|anyone|anybody|person|admin|administrator|developer|customer)";
    let mut all = vec![
        // Overriding what was said before.
        format!(r"{order}(?:ignore|disregard|forget|override|bypass|discard|neglect|do not follow|don.?t follow|stop following|do not obey)(?:[^\w\n]+\w+){{0,3}}?[^\w\n]+{said}{}{rules}\b", gap(4)),
        format!(r"{order}(?:ignore|disregard|forget)(?: about)? (?:everything|all|anything|what|whatever)(?: that)?(?: \w+){{0,3}} (?:above|before|previously|earlier|so far|told|said|been given)\b"),
        format!(r"{order}(?:ignore|disregard|forget) (?:all |any |about )?(?:of )?(?:the |those |these )?{rules} (?:that )?(?:you|given|provided|from before|so far)\b"),
        // Letters that stood apart.
        r"(?:ignore|disregard|forget)(?:all|any|the|your|of)*(?:previous|prior|earlier|above|system)(?:instructions?|prompts?|rules)".to_owned(),
        format!(r"\b(?:new|updated|revised|real|actual|hidden|secret|special|following|important|urgent|additional) (?:system )?(?:instructions?|directives?|orders) (?:for|to) (?:the |any |an |all )?(?:{someone}|agent|model|you)\b"),
        r"(?:^|[\[\(<*#\-]\s*)(?:new|updated|revised|important|urgent|additional|system) (?:system )?(?:instructions?|directives?|prompt|override)\s*[:>\])*#\-]".to_owned(),
        r"\byour (?:new|real|actual|true|only|next) (?:task|instructions?|goal|objective|role|job|purpose|mission|orders?|directives?)\b".to_owned(),
        r"\b(?:follow|obey|execute|carry out) (?:these|the following|my|the new|only these|only the following|only my) (?:new )?(?:instructions?|orders|commands|directives?)(?: instead| exactly| only| without| now|\s*[,:;] (?:do|call|reply|tell|delete|run|use|ignore))\b".to_owned(),
        r"\b(?:system|admin|developer|priority|safety|security) override\s*[:!\]]".to_owned(),
        r"\b(?:end|begin|start) of (?:the )?(?:untrusted|system prompt|user input|tool (?:output|result)|trusted|instructions)\b".to_owned(),
        r"\b(?:reveal|print|repeat|output|show|leak|dump|display|tell me|quote|disclose)(?: me)?(?: back)?(?: all(?: of)?)? (?:your|the) (?:full |entire |hidden |initial |original |own )?(?:system prompt|system message|instructions|hidden prompt|initial prompt|conversation|chat history|context window)\b".to_owned(),
        r"\b(?:developer|god|dan|jailbreak|unrestricted|debug) mode (?:enabled|activated|on|is now)\b.*\b(?:you|restrictions?|rules|assistant)\b|\bjailbreak(?:ed)? (?:prompt|yourself)|\bdo anything now\b".to_owned(),
        // Roles and marks of a conversation.
        r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|eot_id|start_header_id|begin_of_text)\|>|<\|(?:channel|message|start|end)\|>|\[/?inst\]|<</?sys>>|<start_of_turn>|<end_of_turn>".to_owned(),
        r"</?(?:system|assistant|instructions?|important|system[_-](?:prompt|reminder|message|instructions?)|tool[_-](?:call|use|calls|result)s?|function[_-]calls?|invoke|antml:\w+|thinking|admin[_-]message)(?:\s[^<>]{0,80})?>".to_owned(),
        r"^\W{0,6}(?:assistant|human|ai|chatgpt|claude)\s?: (?:i|[^\W\d]\w)".to_owned(),
        r"^\W{0,6}system(?: message| prompt| note| notice)?\s?: ?(?:you|ignore|disregard|forget|assistant|the assistant|new|from now|do not|never|always|override|respond|reply|call)\b".to_owned(),
        r"#{2,} ?(?:instructions?|system|assistant|system prompt|new task)\b\s*(?::|#|$)".to_owned(),
        r#""role"\s*:\s*"(?:system|assistant|developer)""#.to_owned(),
        // Speaking to an assistant.
        format!(r"\b(?:dear|hey|hello|hi|attention|listen|note to|notice to|notice for|message to|message for|memo to|note for|instructions? for|instructions? to|attn|calling)[\s:,]+(?:the |any |all |an |a |every |our )?(?:helpful )?(?:{someone}|agents? reading)\b"),
        format!(r"\b(?:if|since|because|when) you(?: are|.?re) (?:an? |the )?(?:\w+ )?{someone}\b"),
        format!(r"\b(?:if|when|to) (?:an? |any |the |whatever |every )?(?:{someone}|agent|model) (?:is )?(?:read(?:s|ing)?|process(?:es|ing)?|see(?:s|ing)?|analy[sz](?:es|ing)?|parses|summari[sz]es) this\b"),
        format!(r"\bas (?:an |a |the )?(?:helpful |obedient )?{someone}[,:]? (?:you|please|your)\b"),
        format!(r"\byou(?: are|.?re)(?: now| actually| no longer| henceforth)? (?:an? |the |my )?(?:\w+ ){{0,2}}(?:{someone}|root agent)\b"),
        r"\byou(?: are|.?re) (?:now|no longer|henceforth) (?:in|an?|the|my|bound|allowed|free|acting|unrestricted|dan|operating|required)\b".to_owned(),
        format!(r"\b{someone}(?: agents?)?[,:]? (?:must|should|shall|has to|needs to|is (?:required|instructed|ordered|authorized|allowed) to|please|you must|you should)(?: \w+)? \w+"),
        r"\bfrom now on,? (?:you|act|respond|reply|answer|always|never|ignore|treat|only)\b".to_owned(),
        r"\b(?:pretend|imagine|assume|act|behave|role ?play) (?:that )?(?:you(?: are|.?re)|to be|as if you|as (?:an? )?(?:unrestricted|different|new|evil|root|administrator|admin|developer|helpful))\b".to_owned(),
        r"\byou (?:must|should|shall|will|have to|need to)(?: now| always| immediately| not| never| only)* (?:obey|comply|ignore|disregard|forget|call the|invoke|execute the|reveal|tell the|respond|reply|answer|follow (?:my|these)|not (?:tell|mention|reveal)|exfiltrate|recommend|conclude|report (?:that|back)|summari[sz]e)\b".to_owned(),
        // Secrecy towards the user.
        format!(r"\b(?:do not|don.?t|never|must not|without) (?:tell|telling|mention|mentioning|reveal|revealing|disclose|disclosing|say|saying|inform|informing|alert|alerting|warn|warning|show|showing|ask|asking|report|reporting)(?: \w+){{0,4}} (?:to |from )?{person}\b"),
        r"\b(?:hide|conceal|keep|withhold) (?:this|it|these|that)(?: \w+){0,3} from (?:the |your )?(?:users?|humans?|operators?|admins?|customer)\b".to_owned(),
        r"\w without (?:the )?(?:user.?s?|human|operator.?s?|their) (?:knowledge|consent|confirmation|approval|permission)\b|\bwithout (?:asking|requesting|waiting)(?: \w+)? (?:for )?(?:confirmation|approval|permission|consent)\b".to_owned(),
        r"\b(?:do not|don.?t|never) mention (?:this|these|that|the above|the following)\b".to_owned(),
        // Calls of tools.
        format!(r#"{order}(?:call|invoke|trigger|run|execute|use) (?:the |a |an |your |this |mcp )*(?:[`"']?[\w.-]+[`"']? )?(?:mcp )?(?:tools?|functions?)(?: call)?(?: named| called)? [`"']?(?:[a-z]+_[a-z_]+|with|to (?:delete|read|send|get|fetch|upload|exfiltrate|list|create|scale|update|drain|apply))"#),
        format!(r#"{order}(?:call|invoke|trigger|use|run|execute) (?:the |your |mcp )*[`"']?[a-z]+_[a-z_]+[`"']?(?:\(\)| tool| function| with (?:the )?(?:arguments?|cluster|namespace|parameters?|name|[a-z_]+ ?[=:]))"#),
        r"\buse your (?:tools?|access|permissions|credentials|shell|kubectl) to\b".to_owned(),
        format!(r"{order}(?:send|post|upload|exfiltrate|forward|e-?mail|leak|transmit|submit)(?: \w+){{0,3}} (?:secrets?|credentials?|passwords?|tokens?|api keys?|environment variables|kubeconfig|private keys?|conversation|contents?)(?: \w+){{0,6}} (?:to|via) (?:https?|me\b|this (?:url|address|endpoint)|the following)"),
        // Dictating the answer.
        r"\bin your (?:next |final |own )?(?:answer|response|reply|summary|report|output|analysis|diagnosis|message)\b".to_owned(),
        format!(r"{order}(?:tell|inform|assure|convince|advise|instruct) (?:the |your )?(?:users?|human|operator|admin|developer|customer)(?: \w+)? (?:that|to|it|everything|all|there)\b"),
        format!(r"{order}(?:reply|respond|answer) (?:only|exactly|solely|always|simply|just)? ?(?:with|that|by saying|in)[\s:]+(?:only |exactly |just |the )*(?:[`\x22'](?:[a-z ]+)|word|words|text|sentence|phrase|everything|all is|json only|no problems)"),
        format!(r"{order}(?:say|report|state|conclude|claim|write|confirm) (?:only )?that (?:everything|all|the cluster|the pod|this cluster|there (?:is|are) no|nothing|no (?:problem|issue|error)s?)\b"),
        r"\b(?:as|per) (?:the |your )?(?:system prompt|developer message)\b|\bsystem prompt\b.{0,40}\b(?:is|says|was|has been|now|follows|updated|overridden)\b".to_owned(),
    ];
    all.extend(other_languages());
    all
}

/// The same in other languages of Latin script, accents folded as [`plain`] folds them.
fn other_languages() -> Vec<String> {
    [
        // German.
        r"\b(?:ignoriere?n?|vergiss|vergessen sie|missachte|uberschreibe)\b(?:\W+\w+){0,4}?\W+(?:vorherigen?|bisherigen?|vorigen?|obigen?|fruheren?|vorangehenden?|alle[ns]?|deine|ihre)\b(?:\W+\w+){0,3}?\W*\b(?:anweisung(?:en)?|instruktionen|regeln|befehle|vorgaben|prompts?)\b",
        r"\bdu bist (?:jetzt|nun|ab sofort)\b|\b(?:sage?|verrate|erzahle?|teile?)(?: \w+){0,2} (?:dem|den|der) (?:be)?nutzer(?:in)? (?:\w+ )?(?:nicht|nichts)\b|\b(?:rufe?|benutze|verwende) (?:das|dein|ein) (?:tool|werkzeug)\b",
        // French.
        r"\b(?:ignore[zr]?|oublie[zr]?|neglige[zr]?)\b(?:\W+\w+){0,3}?\W+(?:instructions?|consignes?|regles?|directives?|ordres?)\b(?:\W+\w+){0,2}?\W+(?:precedente?s?|anterieure?s?|ci-dessus|donnees?)\b",
        r"\b(?:tu es|vous etes) (?:maintenant|desormais)\b|\bne (?:le |la )?(?:dis|dites|revele[zs]?|mentionne[zs]?) (?:\w+ )?(?:pas|rien)(?: \w+){0,3} (?:a |a l.|aux )(?:l.)?utilisateurs?\b|\bappelle[zr]? l.outil\b",
        // Spanish.
        r"\b(?:ignor[ae]|olvid[ae]|descart[ae]|desobedece)\b(?:\W+\w+){0,3}?\W+(?:instrucciones|reglas|indicaciones|ordenes|directrices)\b(?:\W+\w+){0,2}?\W+(?:anteriores|previas|dadas|de arriba)\b",
        r"\b(?:ahora eres|a partir de ahora eres)\b|\bno (?:le |se lo )?(?:digas|cuentes|menciones|reveles)(?: \w+){0,3} al usuario\b|\bllama a la herramienta\b",
        // Portuguese.
        r"\b(?:ignor[ae]|esqueca|desconsidere)\b(?:\W+\w+){0,3}?\W+(?:instrucoes|regras|ordens|diretrizes)\b(?:\W+\w+){0,2}?\W+(?:anteriores|previas|acima|dadas)\b",
        r"\bagora (?:voce|tu) (?:e|es)\b|\bnao (?:conte|diga|mencione|revele)(?: \w+){0,3} ao (?:usuario|utilizador)\b",
        // Italian.
        r"\b(?:ignor[ai]|dimentica|trascura)\b(?:\W+\w+){0,3}?\W+(?:istruzioni|regole|direttive|ordini)\b(?:\W+\w+){0,2}?\W+(?:precedenti|sopra|date)\b|\b(?:ora|adesso|da ora) sei un\w*\b|\bnon (?:dire|rivelare|menzionare)(?: \w+){0,3} all.utente\b",
        // Dutch.
        r"\b(?:negeer|vergeet)\b(?:\W+\w+){0,3}?\W+(?:vorige|eerdere|bovenstaande|voorgaande|alle)\b(?:\W+\w+){0,2}?\W*\b(?:instructies|opdrachten|regels|aanwijzingen)\b|\bje bent (?:nu|vanaf nu)\b|\bvertel (?:het |dit )?(?:de )?gebruiker (?:niet|niets)\b",
        // Polish and Turkish.
        r"\b(?:zignoruj|ignoruj|zapomnij)\b(?:\W+\w+){0,3}?\W+(?:poprzednie|wczesniejsze|wszystkie|powyzsze)\b(?:\W+\w+){0,2}?\W*\b(?:instrukcje|polecenia|zasady|wskazowki)\b",
        r"\b(?:onceki|yukaridaki|tum)\b(?:\W+\w+){0,2}?\W+(?:talimat|komut|yonerge|kural)\w*\b(?:\W+\w+){0,2}?\W+(?:yok ?say|gormezden|unut)\w*",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The same in languages of other scripts.
fn other_scripts() -> Vec<String> {
    [
        // Russian and Ukrainian.
        r"(?:игнорируй|проигнорируй|забудь|ігноруй)\w*(?:\W+\w+){0,3}?\W+(?:предыдущ|прежн|все|выше|попередн|усі)\w*(?:\W+\w+){0,3}?\W*(?:инструкци|указани|команд|правил|інструкці|вказівк)\w*",
        r"\bты теперь\b|\bне (?:говори|сообщай|рассказывай)\w*(?: \w+){0,2} пользовател\w+",
        // Chinese, Japanese, Korean.
        r"(?:忽略|无视|無視|忘记|忘掉|忘記|不要理会|不理会).{0,12}(?:之前|以上|先前|上述|所有|前面|此前).{0,8}(?:指令|指示|提示|规则|規則|说明|命令)|你现在是|你現在是|不要(?:告诉|告訴|通知|向).{0,4}(?:用户|用戶|使用者)",
        r"(?:以前|上記|これまで|前|すべて|全て|今まで).{0,8}(?:指示|命令|ルール|プロンプト|規則).{0,8}(?:無視|忘れ)|あなたは(?:今|これから)|ユーザーに.{0,8}(?:言わない|伝えない|知らせない|言うな)",
        r"(?:이전|위의|앞선|모든|기존).{0,10}(?:지시|명령|규칙|프롬프트|지침).{0,8}(?:무시|잊)|(?:당신은|너는) 이제|사용자에게.{0,10}(?:말하지|알리지)",
        // Arabic and Hindi.
        r"(?:تجاهل|انس).{0,20}(?:التعليمات|الأوامر|القواعد).{0,12}(?:السابقة|أعلاه)|(?:पिछले|पहले|सभी|उपरोक्त).{0,20}(?:निर्देश|आदेश|नियम).{0,20}(?:अनदेखा|नजरअंदाज|भूल|ध्यान न)",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Lower case, without what hides: invisible characters, accents, letters of other widths and styles, runs of blanks.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len().min(LONGEST));
    for character in super::text::clean(line).chars().take(LONGEST) {
        let character = styled(character);
        for character in character.to_lowercase() {
            match accentless(character) {
                // The dot that lower case leaves of a dotted capital I, and other marks that combine.
                '\u{300}'..='\u{36f}' => {}
                '_' => plain.push('_'),
                blank if blank.is_whitespace() => {
                    if !plain.ends_with(' ') {
                        plain.push(' ');
                    }
                }
                '’' | '‘' | 'ʼ' | '`' | '´' => plain.push('\''),
                '“' | '”' | '«' | '»' | '„' => plain.push('"'),
                other => plain.push(other),
            }
        }
    }
    plain
}

/// As [`plain`], of a line that has only ASCII characters and nothing that hides.
fn plain_ascii(line: &str) -> String {
    let mut plain = String::with_capacity(line.len().min(LONGEST));
    for byte in line.bytes().take(LONGEST) {
        match byte {
            b' ' | b'\t'..=b'\r' if plain.ends_with(' ') => {}
            b' ' | b'\t'..=b'\r' => plain.push(' '),
            b'`' => plain.push('\''),
            other => plain.push(char::from(other.to_ascii_lowercase())),
        }
    }
    plain
}

/// Letters of full width and of mathematical styles, as plain ones.
fn styled(character: char) -> char {
    let code = u32::from(character);
    let letter = |offset: u32| {
        let place = u8::try_from(offset % 52).unwrap_or(0);
        char::from(if place < 26 { b'a' + place } else { b'a' + place - 26 })
    };
    match code {
        0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(character),
        // Bold, italic, script, Fraktur, double-struck, sans-serif and monospace: 13 alphabets of 52 letters.
        0x1d400..=0x1d6a3 => letter(code - 0x1d400),
        0x24b6..=0x24cf => letter(code - 0x24b6),
        0x24d0..=0x24e9 => letter(code - 0x24d0),
        0x1f130..=0x1f149 => letter(code - 0x1f130),
        _ => character,
    }
}

fn accentless(character: char) -> char {
    match character {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ą' | 'ă' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' => 'o',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' => 'u',
        'ý' | 'ÿ' => 'y',
        'ś' | 'š' | 'ş' => 's',
        'ź' | 'ż' | 'ž' => 'z',
        'ł' => 'l',
        'ğ' => 'g',
        other => other,
    }
}

/// Letters of Greek and Cyrillic that look like Latin ones, and digits that stand for letters.
fn latin(character: char) -> char {
    match character {
        'а' | 'α' | '4' | '@' => 'a',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'є' | 'ε' | '3' => 'e',
        'ɡ' => 'g',
        'һ' => 'h',
        'і' | 'ι' | 'ӏ' | '1' | '!' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'п' | 'η' => 'n',
        'о' | 'ο' | 'σ' | '0' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' | '5' | '$' => 's',
        'т' | 'τ' | '7' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other => other,
    }
}

/// Whether a line may be written in look-alikes: letters of other scripts, or digits within words that are letters otherwise.
fn is_disguised(line: &str) -> bool {
    let mixed = |word: &str| {
        let letters = word.chars().filter(char::is_ascii_alphabetic).count();
        letters >= 3
            && letters < word.len()
            && letters * 2 >= word.len()
            && word.chars().all(|it| it.is_ascii_alphabetic() || latin(it) != it)
    };
    !line.is_ascii() || line.split([' ', '-', '_', ':', ',', '.', '/', '"', '=']).filter(|it| mixed(it)).count() > 1
}

/// What stands between words, or between letters that were set apart.
const GAPS: [char; 5] = [' ', '.', '-', '_', '*'];

/// Letters in a row that stand apart.
const APART: usize = 5;

/// Whether a line has letters that stand apart: `i g n o r e`.
fn has_gaps(line: &str) -> bool {
    let mut row = 0;
    line.split(GAPS).any(|word| {
        let mut characters = word.chars();
        let single = characters.next().is_some_and(|it| latin(it).is_alphabetic()) && characters.next().is_none();
        row = if single { row + 1 } else { 0 };
        row == APART
    })
}

/// A line with the letters that stand apart put together.
fn without_gaps(line: &str) -> String {
    let single = |it: &str| it.chars().count() == 1 && it.chars().all(char::is_alphabetic);
    let words: Vec<&str> = line.split(GAPS).collect();
    // An empty word is a wider gap: it divides words whose letters stand apart.
    let mut joined = String::new();
    for (index, word) in words.iter().enumerate() {
        let apart = index > 0 && !(single(word) && words.get(index - 1).is_some_and(|it| single(it)));
        if apart && !joined.ends_with(' ') {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(file: &str) -> Vec<String> {
        let path = format!("{}/tests/corpus/instructions/{file}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap().lines().map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    #[test]
    fn every_rule_compiles() {
        for rule in rules() {
            assert!(bytes::RegexBuilder::new(&rule).unicode(false).build().is_ok(), "{rule}");
        }
        assert!(LATIN.is_some() && OTHERS.is_some());
    }

    #[test]
    fn lines_that_speak_to_an_assistant_are_seen() {
        let lines = corpus("speaks.jsonl");
        assert!(lines.len() >= 60, "{}", lines.len());
        let missed: Vec<&String> = lines.iter().filter(|it| !addresses_assistant(it)).collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn lines_written_after_the_rules_are_told_apart_too() {
        for (file, speaks) in [("speaks_held_out.jsonl", true), ("ordinary_held_out.jsonl", false)] {
            let wrong: Vec<String> = corpus(file).into_iter().filter(|it| addresses_assistant(it) != speaks).collect();
            assert!(wrong.is_empty(), "{file}: {wrong:#?}");
        }
    }

    #[test]
    fn the_short_ways_read_as_the_long_one() {
        let lines = ["speaks.jsonl", "ordinary.jsonl", "speaks_held_out.jsonl", "ordinary_held_out.jsonl"].map(corpus).concat();
        let ascii: Vec<&String> = lines.iter().filter(|it| it.is_ascii() && super::super::text::is_clean(it)).collect();
        assert!(ascii.len() > 100);
        for line in ascii {
            assert_eq!(plain_ascii(line), plain(line));
        }
        assert!(has_gaps("please i.g.n.0.r.e it") && !has_gaps("a b c d") && !has_gaps("a b cd e f g h"));
    }

    #[test]
    fn what_operators_read_every_day_is_not() {
        let lines = corpus("ordinary.jsonl");
        assert!(lines.len() >= 60, "{}", lines.len());
        let wrong: Vec<&String> = lines.iter().filter(|it| addresses_assistant(it)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
