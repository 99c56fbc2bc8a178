//! The OpenAPI document of this server, and the page that shows it. Both are part of the program.

use utoipa::ToSchema;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, Info, License, OpenApi, OpenApiBuilder, tag::TagBuilder};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::events::ChangeEvent;
use super::problems;
use super::router::routes;

/// Where the document is.
const DOCUMENT_PATH: &str = "/api/v1/openapi.json";

/// Where the page is.
const PAGE_PATH: &str = "/api/v1/docs";

/// The document as `docs/openapi.json` has it.
pub(crate) fn document() -> OpenApi {
    routes().into_openapi()
}

/// What the document says besides what each operation does.
pub(super) fn frame() -> OpenApi {
    let mut info = Info::new("Beamline Registry", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "The registry of a message router's extensions, for scripts and pipelines. Each request shows a token \
         (`registryctl token create`), works as its role in the database, and is done in the name of its owner. Errors are \
         problem documents (RFC 9457) with a `code`."
            .into(),
    );
    info.license = None::<License>;
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of `registryctl token create`"))
        .build();
    let (problem_name, problem) = problems::schema();
    let mut schemas = Vec::new();
    ChangeEvent::schemas(&mut schemas);
    let components = ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(token))
        .schema(problem_name, problem)
        .schema(
            ChangeEvent::name(),
            <ChangeEvent as utoipa::PartialSchema>::schema(),
        )
        .schemas_from_iter(schemas)
        .build();
    let tag = |name: &str, description: &str| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    };
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .tags(Some([
            tag("extensions", "What the router runs"),
            tag("audit", "Who changed what, when and why"),
            tag("health", "How calls went"),
            tag("server", "This server"),
        ]))
        .build()
}

/// The page and the document that it shows.
pub(super) fn page(document: OpenApi) -> SwaggerUi {
    SwaggerUi::new(PAGE_PATH)
        .url(DOCUMENT_PATH, document)
        // Otherwise the page would send the document to a checker elsewhere.
        .config(Config::from(DOCUMENT_PATH).validator_url("none"))
}
