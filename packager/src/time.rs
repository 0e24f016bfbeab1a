//! `xs:duration` and `xs:dateTime` of integer microseconds.

use kinora_media::ticks::MICROS;

const DAY_S: i64 = 86_400;

/// Seconds with as many decimals as needed: `PT12.5S`.
pub(crate) fn duration(micros: u64) -> String {
    let (seconds, fraction) = (micros / MICROS, micros % MICROS);
    if fraction == 0 {
        return format!("PT{seconds}S");
    }
    let digits = format!("{fraction:06}");
    format!("PT{seconds}.{}S", digits.trim_end_matches('0'))
}

/// UTC with milliseconds, rounded down, of microseconds since 1970.
pub(crate) fn date_time(micros: i64) -> String {
    let millis = micros.div_euclid(1000);
    let (seconds, millis) = (millis.div_euclid(1000), millis.rem_euclid(1000));
    let (days, second) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of the proleptic Gregorian calendar, of days since 1970-01-01. Counts
/// years from March, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_TO_1970: i64 = 719_468; // from 0000-03-01
    const ERA_DAYS: i64 = 146_097; // 400 years
    let days = days + DAYS_TO_1970;
    let era = days.div_euclid(ERA_DAYS);
    let day_of_era = days.rem_euclid(ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_from_march + 2) / 5 + 1;
    let month = if months_from_march < 10 { months_from_march + 3 } else { months_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_no_needless_digits() {
        assert_eq!(duration(0), "PT0S");
        assert_eq!(duration(12_500_000), "PT12.5S");
        assert_eq!(duration(1), "PT0.000001S");
        assert_eq!(duration(7_200_000_000), "PT7200S");
    }

    #[test]
    fn dates_follow_the_calendar() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000_000, "2000-03-01T00:00:00.000Z"),
            (1_767_225_599_000_000, "2025-12-31T23:59:59.000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ];
        for (micros, text) in cases {
            assert_eq!(date_time(micros), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn dates_never_panic(micros: i64) {
            date_time(micros);
        }
    }
}
