use super::*;

const OLD: &str = "the secret that was there before the new one";
const NEW: &str = "another secret of more than 32 characters";

fn keys(lines: &[&str]) -> ClusterKeys {
    ClusterKeys::parse(&lines.join("\n")).unwrap()
}

fn ada() -> Principal {
    Principal { account: AccountId::new("ada").unwrap(), name: "laptop".to_owned() }
}

#[test]
fn a_token_opens_the_one_request_it_was_made_for() {
    let (keys, uri) = (keys(&[NEW]), Uri::from_static("http://services/api/v1/jobs?limit=3"));
    let token = keys.sign("transcoding", (&Method::GET, &uri), Some(&ada()), 1000);
    let token = token.to_str().unwrap();
    let verify = |audience, method, uri: &'static str, now_s| {
        keys.verify(audience, (&method, &Uri::from_static(uri)), token, now_s)
    };
    let same = "/api/v1/jobs?limit=3";
    assert_eq!(verify("transcoding", Method::GET, same, 1000), Ok(Some(ada())));
    assert_eq!(verify("transcoding", Method::GET, same, 1060), Ok(Some(ada())));
    assert_eq!(verify("transcoding", Method::GET, same, 970), Ok(Some(ada())));
    for (audience, method, uri, now_s, error) in [
        ("catalogue", Method::GET, same, 1000, ClusterTokenError::Elsewhere),
        ("transcoding", Method::POST, same, 1000, ClusterTokenError::Elsewhere),
        ("transcoding", Method::GET, "/api/v1/jobs", 1000, ClusterTokenError::Elsewhere),
        ("transcoding", Method::GET, same, 1061, ClusterTokenError::Expired),
        ("transcoding", Method::GET, same, 969, ClusterTokenError::Expired),
    ] {
        assert_eq!(verify(audience, method, uri, now_s), Err(error), "{uri} at {now_s}");
    }
    let nobody = keys.sign("catalogue", (&Method::GET, &uri), None, 1000);
    let opened = keys.verify("catalogue", (&Method::GET, &uri), nobody.to_str().unwrap(), 1000);
    assert_eq!(opened, Ok(None));
}

#[test]
fn the_time_is_believed_of_who_has_the_secret_and_was_asked_with_this_token() {
    let (keys, uri) = (keys(&[NEW]), Uri::from_static("/api/v1/jobs"));
    let sign = |now_s| {
        let token = keys.sign("transcoding", (&Method::GET, &uri), None, now_s);
        token.to_str().unwrap().to_owned()
    };
    let (token, other) = (sign(1000), sign(1001));
    let told = keys.tell_time(&token, 4600).unwrap();
    assert_eq!(keys.hear_time(&token, &told), Some(4600));
    assert_eq!(keys.hear_time(&other, &told), None, "it was told another");
    let later = told.to_str().unwrap().replacen("4600", "9999", 1);
    assert_eq!(keys.hear_time(&token, &HeaderValue::try_from(later).unwrap()), None);
    let stranger = super::tests::keys(&[OLD]);
    assert!(stranger.tell_time(&token, 4600).is_none());
    for bad in ["", ".", "4600", "4600.", "x.y"] {
        assert_eq!(keys.hear_time(&token, &HeaderValue::from_static(bad)), None, "{bad}");
    }
}

#[test]
fn nothing_altered_opens_anything() {
    let (keys, uri) = (keys(&[NEW]), Uri::from_static("/api/v1/videos"));
    let asked = (&Method::GET, &uri);
    let token = keys.sign("catalogue", asked, None, 1000).to_str().unwrap().to_owned();
    for nth in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[nth] = if altered[nth] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        // The last character of a base64 text has bits that say nothing, but then it is refused.
        assert!(keys.verify("catalogue", asked, &altered, 1000).is_err(), "{altered}");
    }
    for bad in ["", ".", "..", "a.b.c", &token[..token.len() - 1]] {
        assert!(keys.verify("catalogue", asked, bad, 1000).is_err(), "{bad}");
    }
}

#[test]
fn secrets_are_replaced_without_a_gap() {
    let (uri, old, new) = (Uri::from_static("/x"), keys(&[OLD]), keys(&[NEW]));
    let asked = (&Method::GET, &uri);
    // Each row: what signs, and what must open it while processes change one after the other.
    for (signs, opens) in [
        (&old, keys(&[OLD, NEW])),
        (&keys(&[OLD, NEW]), keys(&[NEW, OLD])),
        (&keys(&[NEW, OLD]), keys(&[OLD, NEW])),
        (&new, keys(&[NEW, OLD])),
    ] {
        let token = signs.sign("catalogue", asked, None, 0);
        let opened = opens.verify("catalogue", asked, token.to_str().unwrap(), 0);
        assert_eq!(opened, Ok(None), "{signs:?} {opens:?}");
    }
    let token = old.sign("catalogue", asked, None, 0);
    let refused = new.verify("catalogue", asked, token.to_str().unwrap(), 0);
    assert_eq!(refused, Err(ClusterTokenError::UnknownKey));
    assert!(!format!("{old:?}").contains("secret"));
    // In a process that runs: whoever has them has others from then on.
    let held = new.clone();
    new.replace(&old);
    assert_eq!(held.verify("catalogue", asked, token.to_str().unwrap(), 0), Ok(None));
}

#[test]
fn secrets_are_long() {
    let error = |text: &str| ClusterKeys::parse(text).err();
    assert_eq!(error(""), Some(ClusterKeysError::Empty));
    assert_eq!(error("\n  \n"), Some(ClusterKeysError::Empty));
    assert_eq!(error(&format!("{NEW}\nshort")), Some(ClusterKeysError::Short(2)));
    assert_eq!(error(&format!("\n  {NEW}  \n")), None);
}
