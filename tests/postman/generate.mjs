// Prints the Postman collection of an OpenAPI document: node generate.mjs docs/openapi.json
//
// The converter makes up what has no example, differently each time; what is committed must not differ. So the values are
// those of the document's examples, and neither answers nor the names that Postman gives to each part are kept.
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import converter from "openapi-to-postmanv2";

const document = JSON.parse(readFileSync(process.argv[2], "utf8"));
const convert = promisify(converter.convertV2);
const outcome = await convert(
    { type: "json", data: document },
    { folderStrategy: "Tags", requestParametersResolution: "Example", enableOptionalParameters: false },
);
if (!outcome.result) throw new Error(outcome.reason);
const [{ data: converted }] = outcome.output;

// What is said of the example of a parameter, if it has one.
function example(parameter) {
    const { schema } = parameter;
    const value = parameter.example ?? schema.example ?? schema.default ?? schema.items?.example ?? schema.enum?.[0];
    return String(value ?? `<${schema.format ?? schema.type}>`);
}

// The document's example of a body.
function bodyOf(operation) {
    const { $ref } = operation.requestBody.content["application/json"].schema;
    return JSON.stringify(document.components.schemas[$ref.split("/").at(-1)].example, null, 2);
}

function request(item) {
    const { method, url, header, body, auth } = item.request;
    const path = `/${url.path.map((part) => part.replace(/^:(.*)$/, "{$1}")).join("/")}`;
    const operation = document.paths[path][method.toLowerCase()];
    const parameters = new Map((operation.parameters ?? []).map((it) => [`${it.in} ${it.name}`, it]));
    const filled = (place) => (part) => {
        const parameter = parameters.get(`${place} ${part.key}`);
        return { ...part, value: parameter ? example(parameter) : part.value };
    };
    return {
        name: `${method} ${path}`,
        request: {
            method,
            description: [operation.summary, operation.description].filter(Boolean).join("\n\n"),
            // What takes no token is not sent one.
            auth: auth ?? { type: "noauth" },
            header: header.map(filled("header")),
            url: { ...url, query: url.query.map(filled("query")), variable: url.variable.map(filled("path")) },
            ...(operation.requestBody && { body: { ...body, raw: bodyOf(operation) } }),
        },
    };
}

const folder = (item) => (item.item ? { name: item.name, item: item.item.map(folder) } : request(item));

const collection = {
    info: {
        name: document.info.title,
        description: document.info.description,
        schema: converted.info.schema,
    },
    item: converted.item.map(folder),
    variable: [
        { key: "baseUrl", value: "http://127.0.0.1:8620" },
        { key: "bearerToken", value: "", description: "A token of registryctl token create; keep it in Postman's vault." },
    ],
};
console.log(JSON.stringify(collection, null, 2));
