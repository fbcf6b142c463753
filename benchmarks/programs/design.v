// A small design for yosys: a FIFO, a multiplier by shifts, and a machine of states between them.
module fifo #(parameter WIDTH = 16, DEPTH_LOG2 = 4) (
  input clk, input reset, input put, input take, input [WIDTH-1:0] in,
  output reg [WIDTH-1:0] out, output empty, output full
);
  reg [WIDTH-1:0] store [0:(1 << DEPTH_LOG2) - 1];
  reg [DEPTH_LOG2:0] head, tail;
  assign empty = head == tail;
  assign full = (head ^ tail) == (1 << DEPTH_LOG2);
  always @(posedge clk) begin
    if (reset) begin
      head <= 0;
      tail <= 0;
    end else begin
      if (put && !full) begin
        store[head[DEPTH_LOG2-1:0]] <= in;
        head <= head + 1;
      end
      if (take && !empty) begin
        out <= store[tail[DEPTH_LOG2-1:0]];
        tail <= tail + 1;
      end
    end
  end
endmodule

module multiplier #(parameter WIDTH = 16) (
  input clk, input start, input [WIDTH-1:0] a, input [WIDTH-1:0] b,
  output reg [2*WIDTH-1:0] product, output reg ready
);
  reg [2*WIDTH-1:0] shifted;
  reg [WIDTH-1:0] rest;
  always @(posedge clk) begin
    if (start) begin
      shifted <= {{WIDTH{1'b0}}, a};
      rest <= b;
      product <= 0;
      ready <= 0;
    end else if (rest != 0) begin
      if (rest[0]) product <= product + shifted;
      shifted <= shifted << 1;
      rest <= rest >> 1;
    end else ready <= 1;
  end
endmodule

module top (input clk, input reset, input put, input [15:0] in, output reg [31:0] sum, output busy);
  localparam FIRST = 0, SECOND = 1, MULTIPLY = 2, ADD = 3;
  reg [1:0] state;
  reg [15:0] a, b;
  reg take, start;
  wire [15:0] out;
  wire [31:0] product;
  wire empty, full, ready;
  fifo queue (clk, reset, put, take, in, out, empty, full);
  multiplier by (clk, start, a, b, product, ready);
  assign busy = full || state != FIRST;
  always @(posedge clk) begin
    take <= 0;
    start <= 0;
    if (reset) begin
      state <= FIRST;
      sum <= 0;
    end else case (state)
      FIRST: if (!empty) begin take <= 1; a <= out; state <= SECOND; end
      SECOND: if (!empty) begin take <= 1; b <= out; start <= 1; state <= MULTIPLY; end
      MULTIPLY: if (ready && !start) state <= ADD;
      ADD: begin sum <= sum + product; state <= FIRST; end
    endcase
  end
endmodule
