//! Requests that are rejected before their operation is reached, or because of their query.

use super::*;

#[tokio::test]
async fn parameters_out_of_bounds_are_rejected_as_observed() {
    let (grid, _) = grid();
    publish(&grid, &["1"]).await;
    for (query, code, message) in [
        ("&maxWaitTime=9", "ArgumentInvalid", "Invalid maxWaitTime parameter"),
        ("&maxWaitTime=121", "ArgumentInvalid", "Invalid maxWaitTime parameter"),
        ("&maxWaitTime=99999999", "ArgumentInvalid", "Invalid maxWaitTime parameter"),
        ("&maxWaitTime=-20", "BadRequest", "Error parsing query parameters"),
        ("&maxEvents=-20", "BadRequest", "Error parsing query parameters"),
        ("&maxEvents=many", "BadRequest", "Error parsing query parameters"),
        ("&maxEvents=0", "ArgumentInvalid", "Invalid maxEvents parameter"),
        ("&maxEvents=101", "ArgumentInvalid", "Invalid maxEvents parameter"),
    ] {
        let expected = (400, code.to_owned(), message.to_owned());
        assert_eq!(rejection(&grid.respond(&receiving(query)).await), expected, "{query}");
    }
    assert_eq!(receive(&grid, "&maxEvents=100&maxWaitTime=120").await.len(), 1);
}

#[tokio::test]
async fn paths_methods_and_names_that_do_not_exist_are_rejected() {
    let (grid, _) = grid();
    for (target, status) in [
        ("/topics", 404),
        ("/topics/orders", 404),
        ("/topics/orders:receive", 404),
        ("/topics/orders/:publish", 404),
        ("/topics/orders/eventsubscriptions/billing", 404),
        ("/topics/orders/eventsubscriptions/billing:peek", 404),
        ("/api/events", 404),
        ("/topics/a:publish?api-version=2024-06-01", 400),
        ("/topics/a%2Fb:publish?api-version=2024-06-01", 400),
        ("/topics/orders/eventsubscriptions/..:receive?api-version=2024-06-01", 400),
        ("/topics/orders/eventsubscriptions/x:acknowledge?api-version=2024-06-01", 400),
    ] {
        assert_eq!(post(&grid, target, SINGLE, "{}").await.status(), status, "{target}");
    }
    let mut call = receiving("");
    call.method = Method::GET;
    let response = grid.respond(&call).await;
    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"POST".parse().unwrap()));
}
