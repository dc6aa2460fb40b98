import type {
  ContentBlock,
  ContentBlockParam,
  Message,
  MessageCreateParamsBase,
  RawMessageStreamEvent,
  TextBlockParam,
  ToolResultBlockParam,
  ToolUseBlock,
  Usage,
} from "@anthropic-ai/sdk/resources/messages/messages";

/** The wire types of the Messages API, under the names that this room uses. */
export type {
  ContentBlock,
  ContentBlockParam,
  Message,
  RawMessageStreamEvent,
  TextBlockParam,
  ToolResultBlockParam,
  ToolUseBlock,
  Usage,
};

/** One message of a conversation. */
export interface MessageParam {
  readonly role: "user" | "assistant";
  readonly content: string | ContentBlockParam[];
}

export type Request = MessageCreateParamsBase;
